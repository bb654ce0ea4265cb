import { Client } from '@temporalio/client';
import type { Connected } from './connect.ts';

/** The build leaves out what other parts of the SDK's client would say to the server: scripts/protocol.mjs. */
export type WorkflowClient = Pick<Client, 'workflow' | 'schedule' | 'options'>;

/** The SDK's client on an open connection. Loading it takes longer than all that `status` does. */
export const clientOf = ({ connection, namespace, identity, codec }: Connected): WorkflowClient =>
  new Client({ connection, namespace, identity, dataConverter: { payloadCodecs: [codec] } });
