/** Whether Temporal is given what it can read. `key`: the id of the key that encrypts. */
export const describeEncryption = (key: string | undefined): string =>
  key === undefined ? 'What Temporal keeps is not encrypted.' : `What Temporal keeps is encrypted by the key ${key}.`;
