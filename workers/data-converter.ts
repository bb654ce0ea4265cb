import type { DataConverter } from '@temporalio/common';
import type { CodecKeys } from './codec/keys.ts';
import { createPayloadCodec } from './codec/payload-codec.ts';
import { findFailureConverter } from './workflow-bundle.ts';

/** How a worker with these keys writes payloads and failures, and reads them. Throws StartError `broken`. */
export const dataConverterFor = (keys: CodecKeys | undefined): DataConverter => ({
  payloadCodecs: [createPayloadCodec(keys)],
  ...(keys === undefined ? {} : { failureConverterPath: findFailureConverter() }),
});
