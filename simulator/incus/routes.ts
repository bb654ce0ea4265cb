import { ToolError } from '../core/call.ts';
import type { Store } from '../core/store.ts';
import type { Instance, State, Volume } from '../core/state.ts';
import { isDaemonUp } from './view.ts';

export interface Request {
  store: Store;
  /** Whose daemon was asked. */
  member: string;
  /** The simulation itself, where `state` has that daemon's own database in the place of the cluster's. */
  whole: State;
  parameters: Record<string, string>;
  query: Record<string, string>;
  body: Record<string, unknown>;
}

/** `refused`: an error that has changed something all the same. Other errors are thrown. */
export type Answer =
  | { type: 'json'; value: unknown }
  | { type: 'empty' }
  | { type: 'operation'; description: string }
  | { type: 'refused'; error: string };

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `:name` stands for one segment. */
  path: string;
  /** Whether the state is changed. */
  changes?: boolean;
  /** Fields of the body, and parameters beside project, target and recursion, that are known. */
  body?: readonly string[];
  query?: readonly string[];
  handle(state: State, request: Request): Answer;
}

export const json = (value: unknown): Answer => ({ type: 'json', value });
export const operation = (description: string): Answer => ({ type: 'operation', description });

/** Throws as Incus does where there is none. */
export function instanceOf(state: State, { parameters, query }: Request): Instance {
  const name = parameters['instance'] ?? '';
  const project = query['project'] ?? 'default';
  const instance = state.cluster.instances[name];
  if (instance?.project !== project) throw new ToolError('Error: Instance not found');
  return instance;
}

/** Throws where the member that holds it is away: for what an operation does to an instance. */
export function assertMemberUp(state: State, member: string): void {
  if (!isDaemonUp(state, member)) throw new ToolError('Error: Missing event connection with target cluster member');
}

/** The same for requests that are passed on to that member. */
export function assertMemberReady(state: State, member: string): void {
  if (!isDaemonUp(state, member)) throw new ToolError("Error: Server isn't ready yet");
}

export function volumeOf(state: State, request: Request): Volume {
  const found = findVolume(state, request);
  if (!found) throw new ToolError('Error: Storage volume not found');
  return found;
}

export function findVolume(state: State, { parameters, query }: Request): Volume | undefined {
  const { pool, volume } = parameters;
  const project = query['project'] ?? 'default';
  return Object.values(state.cluster.volumes).find(
    (candidate) =>
      candidate.pool === pool &&
      candidate.name === volume &&
      candidate.project === project &&
      (query['target'] === undefined || candidate.location === query['target']),
  );
}

/** What Incus shows where nothing expires. */
export const NEVER = '0001-01-01T00:00:00Z';
