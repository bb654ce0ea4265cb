/**
 * Command lines of the product whose scenario is written and was not recorded yet, by their shape: which scenario that is. It
 * fails where one has been recorded since.
 */
export const NOT_RECORDED: Readonly<Record<string, string>> = {};
