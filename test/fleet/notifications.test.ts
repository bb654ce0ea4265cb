import { describe, expect, it } from '@jest/globals';
import { parseFleet } from '../../fleet/load.ts';

const HEAD = 'version: 1\nname: homelab\nmembers: { n1: { address: 10.0.0.1 } }\nnotifications:\n';
const problems = (text: string): string[] => {
  const result = parseFleet(HEAD + text, 'runbook.yaml');
  const found = result.type === 'fleet' ? result.warnings : result.diagnostics;
  return found.map(({ line, column, message }) => `${line}:${column} ${message}`);
};
const MAIL = 'type: email, host: mail.lan, from: a@b.net, to: [c@d.net]';

describe('notifications in a fleet file', () => {
  it('are every event where none is named', () => {
    const result = parseFleet(`${HEAD}  channels: { phone: { type: ntfy, topic: t } }\n`, 'runbook.yaml');
    const { channels } = result.type === 'fleet' ? result.fleet.notifications : { channels: {} };
    expect(channels['phone']?.on).toEqual(['failure', 'rollback', 'approval', 'stale-backup', 'recovered']);
  });

  it.each([
    [
      "{ type: ntfy, topic: t, title: '{fleet} {hedline}' }",
      /^5:50 Expected a line of text with no other braces than {event},/,
    ],
    ['{ type: ntfy, topic: t, body: "{secret}" }', /^5:49 Expected text with no other braces than/],
    ['{ type: ntfy, topic: a/b }', /Expected a topic of letters/],
    ['{ type: webhook }', /^5:15 Expected url or urlFile, got neither$/],
    ['{ type: webhook, url: "https://h.lan", urlFile: /u }', /Expected either url or urlFile, got both$/],
    ['{ type: webhook, url: "https://ada:x@h.lan" }', /without user or password/],
    ['{ type: webhook, url: "http://h.lan", headerFiles: { Authorization: /a } }', /Expected https, got http$/],
    ['{ type: webhook, url: "https://h.lan", headerFiles: { Host: /a } }', /name of a header|as key/],
    [`{ ${MAIL}, user: ada }`, /Expected passwordFile beside user, got nothing$/],
    [
      `{ ${MAIL}, user: ada, passwordFile: /p, security: none }`,
      /Expected starttls or tls with passwordFile, got "none"$/,
    ],
    ['{ type: ntfy, topic: t, on: [failures] }', /Expected one of failure, .*got "failures"$/],
  ])('%s is a mistake, shown where it is', (channel, expected) => {
    expect(problems(`  channels: { it: ${channel} }\n`)).toEqual([expect.stringMatching(expected)]);
  });
});
