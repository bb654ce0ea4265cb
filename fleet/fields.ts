/**
 * The kinds of text in a fleet file. Each pattern also travels into the JSON Schema, so an editor refuses what
 * the command line refuses. The second argument of `matching` completes the sentence "Expected …, got …"; editors that know `patternErrorMessage` show it too.
 */
import * as z from 'zod';

const matching = (pattern: RegExp, expected: string) =>
  z
    .string({ error: expected })
    .regex(pattern, expected)
    .meta({ patternErrorMessage: `Expected ${expected}` });

/** Incus allows letters, digits and inner hyphens, up to 63; `all` would be mistaken for the whole fleet. */
export const nodeName = matching(
  /^(?!all$)[a-zA-Z](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/,
  'a name like nuc-1: a letter, then letters, digits and inner hyphens; not all',
);

/** A name of a flake's node or profile, an Incus project, a storage pool or a volume: never a path, never an option. */
export const resourceName = matching(
  /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,62}$/,
  'a name of letters, digits, dots, hyphens and underscores',
);

const DURATION = 'a duration like 30s, 5m or 7d';
export const duration = matching(/^[1-9]\d{0,4}(?:ms|s|m|h|d)$/, DURATION);
/** Shorter ones end before what they are for has begun. */
export const hoursOrDays = matching(/^[1-9]\d{0,4}[hd]$/, 'hours or days like 36h or 7d');
/** As `duration`, and `0s` for none. */
export const durationOrNone = matching(/^\d{1,5}(?:ms|s|m|h|d)$/, DURATION);
/** deploy-rs takes whole seconds in 16 bits. */
export const wholeSeconds = matching(
  /^(?:[1-9]\d{0,3}s|[1-9]\d{0,2}m|[1-9]h)$/,
  'a duration of whole seconds, at most 9h, like 30s',
);

/** As Incus 6.0 takes them: names, several with commas between them, or five fields of cron. */
export const snapshotSchedule = matching(
  /^(?:@[a-z]+(?:, ?@[a-z]+)*|[0-9*/,-]+(?: [0-9A-Za-z*/,-]+){4})$/,
  'a schedule like @daily or 0 6 * * *',
);
export const snapshotExpiry = matching(/^\d+[MHdwmy](?: \d+[MHdwmy])*$/, 'a time like 12H, 7d or 4w 2d');

/** Of a clock with 24 hours. */
export const timeOfDay = matching(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'a time of day like 04:15');
/** Whether the zone is there is checked in schedule-references.ts. */
export const timeZone = matching(/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/, 'a time zone like Europe/Berlin or UTC');

/** Digits and dots only are meant as IPv4, so that `10.0.0.256` is no host name. */
export const address = matching(
  new RegExp(
    [
      z.regexes.ipv4.source,
      z.regexes.ipv6.source,
      String.raw`^(?![\d.]+$)(?=.{1,253}$)[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$`,
    ].join('|'),
  ),
  'an address like 10.0.0.11',
);

/** User information is left out on purpose: a password has no place in the fleet file. */
export const httpUrl = matching(
  /^https?:\/\/(?:\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9.-]+)(?::\d{1,5})?(?:[/?#]\S*)?$/,
  'a URL like https://edge.lan/health, without user or password',
);
export const resticRepository = matching(
  /^(?!-)(?!\S*:\/\/[^/@\s]*:[^/@\s]*@)[^\s\p{Cc}]+$/u,
  'a restic repository without a password in it, like rest:https://backup.lan/edge',
);

/** Whom age encrypts to. A private key is none, and nobody is shown it: `maskSecrets`. */
export const recipient = matching(
  /^(?:age1[02-9ac-hj-np-z]{58}|ssh-ed25519 [A-Za-z0-9+/]{68}(?: [^\p{Cc}]*)?|ssh-rsa [A-Za-z0-9+/]{200,}=*(?: [^\p{Cc}]*)?)$/u,
  'a public key, which begins with age1, ssh-ed25519 or ssh-rsa',
);

export const absolutePath = matching(/^\/[^\p{Cc}]*$/u, 'an absolute path');
export const keyPath = matching(/^~?\/[^\p{Cc}]+$/u, 'a path that begins with / or ~/');
/** Inside the monorepo: a path that climbs out of it is somebody else's file. */
export const repoPath = matching(
  /^(?![/~-])(?!(?:[^/]*\/)*\.\.(?:\/|$))[^\p{Cc}\\]+$/u,
  'a path inside the monorepo, without .., like secrets/edge.enc.yaml',
);
/** Of git: nothing that it would take for an option or an expression. */
export const branch = matching(
  /^(?![-/])(?!.*(?:\.\.|\/\/|@\{|\.lock$|[/.]$))[a-zA-Z0-9_./-]{1,200}$/,
  'a branch like main',
);

export const dataset = matching(
  /^[a-zA-Z][a-zA-Z0-9_.:-]*(?:\/[a-zA-Z0-9_.:-]+)*$/,
  'a ZFS dataset like tank/replicas',
);
/** A volume's name, or a pattern of such. */
export const volumePattern = matching(
  /^[a-zA-Z0-9_*?][a-zA-Z0-9_.*?-]{0,62}$/,
  'the name of a volume, or a pattern with * and ?',
);
/** Keys of Incus that are the user's to set. */
export const userKey = matching(/^user\.[a-zA-Z0-9_./-]{1,120}$/, 'a key like user.backup');
/** Bytes per second. */
export const bandwidth = matching(/^[1-9]\d{0,3}[KMG]$/, 'bytes per second like 500K, 20M or 1G');
export const unit = matching(
  /^[a-zA-Z0-9_][a-zA-Z0-9_@:.\\-]*\.(?:service|timer|socket|target|mount|path)$/,
  'a systemd unit with its suffix, like caddy.service',
);
export const serviceUnit = matching(
  /^[a-zA-Z0-9_][a-zA-Z0-9_@:.\\-]*\.service$/,
  'a systemd service like podman-caddy.service',
);
export const containerName = matching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, 'a container’s name like caddy');
export const userName = matching(/^[a-z_][a-z0-9_-]{0,31}$/, 'a user name like root');
export const hostKey = matching(
  /^(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa) [A-Za-z0-9+/]+=*$/,
  'a public host key like "ssh-ed25519 AAAA…"',
);
/** An argument of a command; NUL cannot be passed to a program. */
export const argument = matching(/^[^\0]*$/, 'text');
/** An argument of a command that installs a host. A brace that belongs to no known placeholder is a mistake. */
export const installArgument = matching(
  /^(?:[^{}\0]|\{(?:flake|node|address|user|port)\})*$/,
  'text with no other braces than {flake}, {node}, {address}, {user} and {port}',
);
const NOTICE_PLACEHOLDERS = ['event', 'fleet', 'runbook', 'node', 'run', 'headline', 'what', 'command', 'link', 'at'];
const placeholders = NOTICE_PLACEHOLDERS.join('|');
const NO_OTHER_BRACES = `with no other braces than ${NOTICE_PLACEHOLDERS.map((name) => `{${name}}`).join(', ')}`;
/** What is told of an event. A brace that belongs to no known placeholder is a mistake. */
export const noticeTitle = matching(
  new RegExp(String.raw`^(?:[^{}\p{Cc}]|\{(?:${placeholders})\})+$`, 'u'),
  `a line of text ${NO_OTHER_BRACES}`,
);
export const noticeBody = matching(
  new RegExp(String.raw`^(?:[^{}\0]|\{(?:${placeholders})\})+$`),
  `text ${NO_OTHER_BRACES}`,
);
export const ntfyTopic = matching(/^[-_A-Za-z0-9]{1,64}$/, 'a topic of letters, digits, hyphens and underscores');
/** What ours are is set by us. */
export const headerName = matching(
  /^(?!(?:content-type|content-length|host|connection|transfer-encoding|x-runbook-.*)$)[A-Za-z][A-Za-z0-9-]{0,63}$/i,
  'the name of a header like Authorization, not one that runbook sets itself',
);
export const emailAddress = matching(
  /^[^\s@<>,;:"()[\]\\\p{Cc}]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?$/u,
  'an address like ada@example.net, without a name',
);
export const minutesOrHours = matching(/^(?:[1-9]\d{0,3}m|[1-9]\d{0,2}h)$/, 'minutes or hours like 5m or 1h');

/** An attribute path of a flake's outputs. */
export const flakeAttribute = matching(
  /^[a-zA-Z_][a-zA-Z0-9_'-]*(?:\.(?:[a-zA-Z_][a-zA-Z0-9_'-]*|"[a-zA-Z0-9_.'-]+"))*$/,
  'an attribute of the flake like nixosConfigurations.nuc-1.config.disko.devices.disk',
);
/** As providers of Terraform name what they make. */
export const resourceType = matching(/^[a-z][a-z0-9_]{0,63}$/, 'a type of resource like incus_network');
/** As Incus names its keys: `cluster.evacuate`, `ipv4.address`, `user.owner`. */
export const configKey = matching(
  /^[a-zA-Z][a-zA-Z0-9_./-]{0,127}$/,
  'a key of Incus like ipv4.address: letters, digits, dots, hyphens and underscores',
);
export const CONFIG_VALUE = 'text, a whole number, true or false';
/** Incus keeps every value as text; in YAML `true` and `8` are written without quotes all the same. See config-values.ts. */
export const configValue = z
  .union([matching(/^[^\0]*$/, CONFIG_VALUE), z.int(), z.boolean()], { error: CONFIG_VALUE })
  .transform(String);
/** Linux allows 15 characters for the name of an interface. */
export const networkName = matching(
  /^[a-zA-Z][a-zA-Z0-9_.-]{1,14}$/,
  'a name of 2 to 15 letters, digits, dots, hyphens and underscores',
);
export const image = matching(
  /^[a-zA-Z0-9][a-zA-Z0-9:/._-]*$/,
  'an image as incus launch takes it, like images:alpine/edge',
);
export const terraformAddress = matching(
  /^(?:module\.[\w-]+(?:\[[^\]\s]+\])?\.)*[a-z]\w*\.[\w-]+(?:\[(?:\d+|"[^"\p{Cc}]+")\])?$/u,
  'the address of a resource of Terraform, like incus_instance.edge-vm',
);
export const oneLineOrNone = matching(/^[^\p{Cc}]*$/u, 'a line of text');
export const oneLine = matching(/^[^\p{Cc}]+$/u, 'a line of text');
export const resticTag = matching(/^[^\s,\p{Cc}-][^\s,\p{Cc}]*$/u, 'a tag without spaces and commas');

export const wholeNumber = (min: number, max: number) => {
  const expected = `a whole number from ${min} to ${max}`;
  return z.int({ error: expected }).min(min, expected).max(max, expected);
};
export const port = wholeNumber(1, 65535);
