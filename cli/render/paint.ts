import { styleText } from 'node:util';

export type Colour = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan' | 'blue' | 'magenta';
export type Paint = (colour: Colour, text: string) => string;

/** Colours if wanted, else the text as it is. Whether they are wanted was decided once, in io.ts. */
export const painter = (colour: boolean): Paint =>
  colour
    ? (name, text) => (text === '' ? '' : styleText(name, text, { validateStream: false }))
    : (_name, text) => text;
