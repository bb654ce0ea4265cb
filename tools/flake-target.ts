const NAME = /^[A-Za-z0-9_.'-]+$/;
const PLAIN_IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_'-]*$/;

/**
 * Where deploy-rs looks for a profile: `FLAKE#deploy.nodes."NODE".profiles."PROFILE".path`.
 * Throws a TypeError for names that nix's attribute paths cannot hold, and for a reference with a fragment.
 */
export function profileAttribute(flakeRef: string, node: string, profile: string): string {
  return `${reference(flakeRef)}#deploy.nodes."${name(node)}".profiles."${name(profile)}".path`;
}

/** What deploy-rs takes: `FLAKE#node.profile`, quoted only where the name is no identifier. Throws as above. */
export function deployTarget(flakeRef: string, node: string, profile: string): string {
  return `${reference(flakeRef)}#${quoteIfOdd(name(node))}.${quoteIfOdd(name(profile))}`;
}

function name(text: string): string {
  if (NAME.test(text)) return text;
  throw new TypeError(`Expected the name of a deploy-rs node or profile, got ${JSON.stringify(text)}.`);
}

function reference(flakeRef: string): string {
  if (/^[^#\s-][^#\s]*$/.test(flakeRef)) return flakeRef;
  throw new TypeError(`Expected a flake reference without "#" and spaces, got ${JSON.stringify(flakeRef)}.`);
}

function quoteIfOdd(text: string): string {
  return PLAIN_IDENTIFIER.test(text) ? text : `"${text}"`;
}
