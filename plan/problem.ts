import { FAILURES, type FailureType } from './failures.ts';

/** What is in the way of one thing, where others can go on. */
export interface Problem {
  type: FailureType;
  message: string;
  whatToDo: string;
}

/** With the remedy of the table. */
export const problemOf = (type: FailureType, message: string): Problem => ({
  type,
  message,
  whatToDo: FAILURES[type].whatToDo,
});
