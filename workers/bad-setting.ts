/** A setting that cannot be meant; the message names the variable or the file that has it. */
export class BadSetting extends Error {
  override readonly name = 'BadSetting';
}
