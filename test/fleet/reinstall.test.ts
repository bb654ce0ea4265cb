import { describe, expect, it } from '@jest/globals';
import { parseFleet } from '../../fleet/load.ts';

const member = (reinstall: object) =>
  parseFleet(
    JSON.stringify({ version: 1, name: 'homelab', members: { n1: { address: '10.0.0.11', reinstall } } }),
    'runbook.yaml',
  );
const messages = (reinstall: object): string => {
  const parsed = member(reinstall);
  return parsed.type === 'invalid' ? parsed.diagnostics.map(({ message }) => message).join('\n') : '';
};

describe('how a member is installed anew', () => {
  it('is a command with known placeholders, and may say where the disks are and which key the installer has', () => {
    const command = ['nixos-anywhere', '--flake', '{flake}#{node}', '-p', '{port}', '{user}@{address}'];
    expect(messages({ command })).toBe('');
    expect(messages({ command, layout: 'nixosConfigurations."n1.lan".config.disko.devices.disk' })).toBe('');
  });

  it.each([
    [{ command: [] }, /at least the program/],
    [{}, /command/],
    [{ command: ['x', '{nodes}'] }, /no other braces than \{flake\}/],
    [{ command: ['x', '{flake'] }, /no other braces/],
    [{ command: ['x'], layout: '.#a' }, /an attribute of the flake/],
    [{ command: ['x'], layout: 'a; rm' }, /an attribute of the flake/],
    [{ command: ['x'], hostKey: 'SHA256:abc' }, /key/],
    [{ command: 'x --flake y' }, /list|sequence|command/i],
  ])('is not %j', (reinstall, message) => {
    expect(messages(reinstall)).toMatch(message);
  });
});
