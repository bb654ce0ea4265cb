import { once } from 'node:events';
import { connect } from 'node:net';
import { HostError, type Host } from '../hosts/host.ts';
import { curlOnce, fetchOnce } from './http-fetch.ts';
import type { Incus } from './incus.ts';
import {
  attempt,
  healthy,
  lastLine,
  notPossible,
  notRun,
  rootCause,
  unhealthy,
  type ProbeResult,
} from './probe-attempt.ts';
import { createSystemd } from './systemd.ts';
import type { ToolOptions } from './tool-options.ts';

/** Where a request is made: on this machine, or on a host. */
export type From = 'worker' | Host;

export interface HttpProbe {
  url: string;
  /** Expected. */
  status: number;
  /** Expected somewhere in the first megabyte of the body. */
  contains?: string;
  timeoutMs: number;
}

/** A GET. From a host by `curl` there. */
export async function httpProbe(probe: HttpProbe, from: From, options: ToolOptions = {}): Promise<ProbeResult> {
  const { url, status, contains, timeoutMs } = probe;
  const fetched =
    from === 'worker' ? await fetchOnce(url, timeoutMs, options) : await curlOnce(from, url, timeoutMs, options);
  if (fetched.type === 'no curl') return notPossible(`The http probe of ${url} needs curl, which is not there.`);
  if (fetched.type === 'no response') return unhealthy(`no answer for ${url}: ${fetched.message}`);
  if (fetched.status !== status) return unhealthy(`${fetched.status} for ${url} (expected ${status})`);
  if (contains !== undefined && !fetched.body.includes(contains))
    return unhealthy(`${status} for ${url} without the text ${JSON.stringify(contains)}`);
  return healthy(`${status} for ${url}`);
}

export interface TcpProbe {
  host: string;
  port: number;
  timeoutMs: number;
}

/** A connection that is accepted, and closed again. From a host by `bash` there. */
export async function tcpProbe(probe: TcpProbe, from: From, options: ToolOptions = {}): Promise<ProbeResult> {
  const where = `${probe.host} port ${probe.port}`;
  const refusal = from === 'worker' ? await connectOnce(probe, options) : await bashConnect(probe, from, options);
  if (refusal === undefined) return healthy(`${where} accepts connections`);
  return typeof refusal === 'string' ? unhealthy(`${where}: ${refusal}`) : refusal;
}

/** Every unit must be active. */
export async function systemdProbe(
  host: Host,
  { units, timeoutMs }: { units: readonly string[]; timeoutMs: number },
  options: ToolOptions = {},
): Promise<ProbeResult> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  try {
    const answer = await createSystemd(host, { signal }).unitStates(units);
    if (answer.type !== 'states') return unhealthy('output' in answer ? answer.output : `systemctl: ${answer.type}`);
    const bad = answer.states.filter(({ active }) => active !== 'active');
    const state = ({ load, active, sub }: (typeof bad)[number]) => (load === 'loaded' ? `${active} (${sub})` : load);
    if (bad.length > 0) return unhealthy(bad.map((unit) => `${unit.unit} is ${state(unit)}`).join(', '));
    return healthy(`${units.join(', ')} active`);
  } catch (error) {
    const ours = timeout.aborted && options.signal?.aborted !== true;
    if (ours && error instanceof HostError && error.type === 'Cancelled')
      return unhealthy(`no answer within ${timeoutMs} ms`);
    const failure = notRun(error, timeoutMs);
    return failure.type === 'not run'
      ? notPossible(`systemctl is not there on ${host.name}.`)
      : unhealthy(failure.message);
  }
}

/** Exit code 0 is healthy. */
export async function commandProbe(
  host: Host,
  { argv, timeoutMs }: { argv: readonly string[]; timeoutMs: number },
  options: ToolOptions = {},
): Promise<ProbeResult> {
  const name = argv[0] ?? '';
  const ran = await attempt(host, argv, timeoutMs, options);
  if (ran.type === 'not run') return notPossible(`${name} cannot be started on ${host.name}.`);
  if (ran.type === 'no answer') return unhealthy(`${name}: ${ran.message}`);
  const said = lastLine(ran.result);
  const suffix = said === '' ? '' : `: ${said}`;
  return ran.result.exitCode === 0
    ? healthy(`${name}${suffix}`)
    : unhealthy(`${name} exited with ${ran.result.exitCode}${suffix}`);
}

/** What Incus says of the instance, for guests that cannot be asked themselves. */
export async function incusProbe(
  incus: Pick<Incus, 'instanceState'>,
  { project, instance, status }: { project: string; instance: string; status: string },
): Promise<ProbeResult> {
  const answer = await incus.instanceState(project, instance);
  switch (answer.type) {
    case 'state':
      if (answer.status === status) return healthy(`${instance} is ${status}`);
      return unhealthy(`${instance} is ${answer.status} (expected ${status})`);
    case 'not found':
      return unhealthy(answer.what);
    case 'unexpected':
      return unhealthy(answer.output);
    case 'busy':
    case 'no quorum':
    case 'member offline':
      return unhealthy(answer.message);
  }
}

/** Resolves with why not. */
async function connectOnce({ host, port, timeoutMs }: TcpProbe, options: ToolOptions): Promise<string | undefined> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal });
    return undefined;
  } catch (error) {
    options.signal?.throwIfAborted();
    return timeout.aborted ? `no answer within ${timeoutMs} ms` : rootCause(error);
  } finally {
    socket.destroy();
  }
}

/** As {@link connectOnce}; the shell's own network path needs no further program. */
async function bashConnect(
  { host, port, timeoutMs }: TcpProbe,
  from: Host,
  options: ToolOptions,
): Promise<string | ProbeResult | undefined> {
  const argv = ['bash', '-c', 'exec 3<>"/dev/tcp/$1/$2"', 'bash', host, String(port)];
  const ran = await attempt(from, argv, timeoutMs, options);
  if (ran.type === 'not run') return notPossible(`The tcp probe needs bash, which is not there on ${from.name}.`);
  if (ran.type === 'no answer') return ran.message;
  if (ran.result.exitCode === 0) return undefined;
  return lastLine(ran.result) || `bash exited with ${ran.result.exitCode}`;
}
