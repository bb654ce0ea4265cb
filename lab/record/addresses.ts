import type { Lab } from '../api.ts';

/** An address in the lab's network that nobody has. */
export const NOBODY = ({ record }: Pick<Lab, 'record'>): string => `10.89.${record.number}.99`;
