import { FAILURES, type FailureType } from './failures.ts';

/** What is in the way of one thing, where others can go on. */
export interface Problem {
  type: FailureType;
  message: string;
  whatToDo: string;
}

/** A run shows hundreds of them. */
const MAX_MESSAGE = 500;

/** With the remedy of the table. */
export const problemOf = (type: FailureType, message: string): Problem => ({
  type,
  message: message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)} …` : message,
  whatToDo: FAILURES[type].whatToDo,
});
