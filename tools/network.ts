import type { Host } from '../hosts/host.ts';
import { unexpected, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** A resolver that asks a server which is away gives up after 10 s by default (resolv.conf(5), two attempts of 5 s). */
const RESOLVE_TIMEOUT_MS = 30_000;

/** A machine of the same network answers within milliseconds; a packet that a firewall drops is never answered. */
const CONNECT_SECONDS = 5;
const CONNECT_TIMEOUT_MS = 20_000;

/** Opens a connection and closes it. bash, as every NixOS host has it: no program for this is certain to be there. */
const CONNECT = 'exec 3<>"/dev/tcp/$1/$2"';

export interface Network {
  /** The addresses that a name, or an address, stands for on that host. */
  resolve(name: string): Promise<{ type: 'addresses'; addresses: string[] } | { type: 'unknown name' } | Unexpected>;
  /** Whether an interface of that host has the address: an IP address, not a name. */
  owns(address: string): Promise<{ type: 'owns'; owns: boolean } | Unexpected>;
  /**
   * Whether a packet from that host to the other's port is answered. A refusal is an answer: nothing listens there yet,
   * and no firewall is in between.
   */
  reach(
    address: string,
    port: number,
  ): Promise<{ type: 'answers'; listening: boolean } | { type: 'no answer'; reason: string }>;
}

/** As one host sees its network. Changes nothing. */
export function createNetwork(host: Host, options: ToolOptions = {}): Network {
  return {
    resolve: async (name) => {
      const argv = ['getent', 'ahosts', name];
      const result = await host.run(argv, { timeoutMs: RESOLVE_TIMEOUT_MS, ...withSignal(options) });
      if (result.exitCode === 2) return { type: 'unknown name' };
      const addresses = result.stdout.split('\n').flatMap((line) => line.split(/\s+/, 1)[0] ?? '');
      const found = [...new Set(addresses.filter((address) => address !== ''))];
      if (result.exitCode !== 0 || found.length === 0) return unexpected('getent', { argv, result });
      return { type: 'addresses', addresses: found };
    },
    owns: async (address) => {
      const argv = ['ip', '-o', 'address', 'show', 'to', address];
      const result = await host.run(argv, { timeoutMs: CONNECT_TIMEOUT_MS, ...withSignal(options) });
      if (result.exitCode !== 0) return unexpected('ip', { argv, result });
      return { type: 'owns', owns: result.stdout.trim() !== '' };
    },
    reach: async (address, port) => {
      const argv = ['timeout', String(CONNECT_SECONDS), 'bash', '-c', CONNECT, 'connect', address, String(port)];
      const { exitCode, stderr } = await host.run(argv, { timeoutMs: CONNECT_TIMEOUT_MS, ...withSignal(options) });
      if (exitCode === 0) return { type: 'answers', listening: true };
      if (exitCode === 124) return { type: 'no answer', reason: `nothing within ${CONNECT_SECONDS} s` };
      if (/: Connection refused$/m.test(stderr)) return { type: 'answers', listening: false };
      return { type: 'no answer', reason: /: ([^:]+)$/m.exec(stderr.trim())?.[1] ?? `exit code ${exitCode}` };
    },
  };
}
