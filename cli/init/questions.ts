import type { InitOptions } from './answers.ts';

type Ask = (question: string) => Promise<string>;

/** Asks for what no flag has said. An empty answer is what stands in the brackets. */
export async function askFor(
  options: InitOptions,
  ask: Ask,
  defaults: { name: string; timeZone: string },
): Promise<InitOptions> {
  const answers = { ...options };
  const one = async (question: string, otherwise = ''): Promise<string> =>
    (await ask(`${question}${otherwise === '' ? '' : ` [${otherwise}]`}: `)).trim() || otherwise;
  const words = async (question: string, otherwise = ''): Promise<string[]> =>
    (await one(question, otherwise)).split(/[\s,]+/).filter((word) => word !== '');

  answers.name ??= await one('What the fleet is called', defaults.name);
  answers.member ??= await words('Its machines, as elitedesk-1=10.0.0.11 nuc-1=10.0.0.12');
  answers.gateway ??= await one('The router, and how long the prefix of its network is', gatewayOf(answers.member));
  answers.guest ??= await words(
    'Guests, as edge-vm=10.0.0.21 metrics-vm=10.0.0.22@nuc-1 home-vm=10.0.0.23 (none: empty)',
  );
  answers.timeZone ??= await one('Time zone', defaults.timeZone);
  answers.sshKey ??= [await one('Public ssh key of the worker’s user (ssh-ed25519 AAAA…)')].filter((key) => key !== '');
  answers.recipient ??= await words('Your public key of age, for secrets (age1…; later: empty)');
  return answers;
}

const gatewayOf = (members: readonly string[]): string =>
  /=((?:\d{1,3}\.){3})\d{1,3}$/.exec(members[0] ?? '')?.[1]?.concat('1/24') ?? '';
