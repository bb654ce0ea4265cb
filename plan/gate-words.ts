/** One precondition of a run. `message` names the fact; `whatToDo` the remedy, where there is one. */
export interface GateOf<Name extends string> {
  name: Name;
  verdict: 'passed' | 'warning' | 'refused';
  message: string;
  whatToDo?: string;
}

/** How the gates of a runbook are said, each under one of its names. */
export function gateWords<Name extends string>() {
  return {
    passed: (name: Name, message: string): GateOf<Name> => ({ name, verdict: 'passed', message }),
    warning: (name: Name, message: string, whatToDo?: string): GateOf<Name> => ({
      ...{ name, verdict: 'warning', message },
      ...(whatToDo === undefined ? {} : { whatToDo }),
    }),
    refused: (name: Name, message: string, whatToDo: string): GateOf<Name> => ({
      ...{ name, verdict: 'refused', message, whatToDo },
    }),
  };
}
