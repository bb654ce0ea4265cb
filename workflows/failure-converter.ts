import { DefaultFailureConverter } from '@temporalio/common';

/**
 * Writes messages and stacks of failures as payloads, which the codec encrypts. Workers with keys have it twice: in their
 * bundle of workflows, and as a file that the SDK loads.
 */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
