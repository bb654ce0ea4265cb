import { describe, expect, it } from '@jest/globals';
import { checked, insert, swap, type Changes } from './homelab.ts';

const HOST = 'host/nodes/nuc-1/configuration.nix';
const host = (line: string): Changes => ({ [HOST]: insert(line) });
const told = async (changes: Changes): Promise<string[][]> => {
  const { findings, suppressed } = await checked(changes);
  return [
    findings.map(({ rule, line }) => `${rule}:${line}`),
    suppressed.map(({ rule, reason }) => `${rule}: ${reason}`),
  ];
};
const NGINX = 'services.nginx.enable = true;';
const IGNORE = '# runbook-ignore no-host-proxies: the installer’s own page';

describe('what is ignored with a reason', () => {
  it.each([
    ['behind it', `${NGINX} ${IGNORE}`],
    ['above it', `${IGNORE}\n  ${NGINX}`],
    ['above other comments', `${IGNORE}\n  # it is small\n  ${NGINX}`],
    ['as a block', `/* runbook-ignore no-host-proxies: the installer’s own page */\n  ${NGINX}`],
  ])('is left in Nix, %s', async (_where, line) => {
    expect(await told(host(line))).toEqual([[], ['no-host-proxies: the installer’s own page']]);
  });

  it('is left in HCL and YAML', async () => {
    expect(
      await told({
        'infra/incus/nuc-1/main.tf': swap('"7d"', '"7d" // runbook-ignore snapshot-policy: no'),
        'services/home/compose.yaml': swap('${API_TOKEN}', 'abcdef # runbook-ignore no-plaintext-secrets: of a test'),
      }),
    ).toEqual([['suppression-used:34'], ['no-plaintext-secrets: of a test']]);
  });

  it('is read at once, however many blanks there are', async () => {
    const blanks = ' '.repeat(5000);
    expect(await told(host(`/* runbook-ignore${blanks}\n${blanks}x${blanks} */\n  ${NGINX}`))).toEqual([
      ['suppression-reason:11', 'no-host-proxies:13'],
      [],
    ]);
  });

  it('is left for that rule and that line alone', async () => {
    const [findings] = await told(
      host(`${IGNORE}\n  ${NGINX}\n  services.caddy.enable = true;\n  services.mysql.enable = true;`),
    );
    expect(findings).toEqual(['no-host-proxies:13', 'no-host-databases:14']);
  });
});

describe('what is wrong with ignoring', () => {
  it.each([
    ['no reason', `${NGINX} # runbook-ignore no-host-proxies`, ['no-host-proxies:11', 'suppression-reason:11']],
    [
      'no reason behind a colon',
      `${NGINX} # runbook-ignore no-host-proxies: `,
      ['no-host-proxies:11', 'suppression-reason:11'],
    ],
    ['no rule', `${NGINX} # runbook-ignore`, ['no-host-proxies:11', 'suppression-reason:11']],
    ['an unknown rule', `${NGINX} # runbook-ignore no-host-proxy: x`, ['no-host-proxies:11', 'suppression-reason:11']],
    ['nothing there', 'services.nginx.enable = false; # runbook-ignore no-host-proxies: x', ['suppression-used:11']],
    [
      'ignoring these rules',
      `${NGINX} # runbook-ignore suppression-used: x`,
      ['no-host-proxies:11', 'suppression-reason:11'],
    ],
  ])('%s is found', async (_what, line, expected) => {
    expect(await told(host(line))).toEqual([expected, []]);
  });

  it('suggests the rule that was meant', async () => {
    const { findings } = await checked(host(`${NGINX} # runbook-ignore no-host-proxys: x`));
    expect(findings.map(({ whatToDo }) => whatToDo)).toContain('Did you mean no-host-proxies?');
  });

  it('a text that speaks of it ignores nothing', async () => {
    expect(await told(host(`${NGINX} environment.etc.x.text = "# runbook-ignore no-host-proxies: x";`))).toEqual([
      ['no-host-proxies:11'],
      [],
    ]);
  });
});
