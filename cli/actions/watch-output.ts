import { createLogUpdate } from 'log-update';
import { changesBetween } from '../changes.ts';
import { colourOf, print, printJson, widthOf, type Io } from '../io.ts';
import { renderChange } from '../render/change.ts';
import { renderWatch } from '../render/run.ts';
import type { WatchState } from '../run-state.ts';

/** Where watching shows itself. Chosen once: live in a terminal, lines in a pipe, NDJSON on request. */
export interface WatchOutput {
  show: (state: WatchState) => void;
  /** Leaves the last state standing; nothing is shown after. */
  close: () => void;
}

export function watchOutput(io: Io, json: boolean): WatchOutput {
  if (json) return jsonOutput(io);
  return io.stdout.isTTY === true ? liveOutput(io) : lineOutput(io);
}

const REFRESH_MS = 500;

function liveOutput(io: Io): WatchOutput {
  const update = createLogUpdate(io.stdout);
  let state: WatchState = {};
  const draw = (height?: number): void => {
    const options = {
      width: widthOf(io),
      colour: colourOf(io),
      now: io.now(),
      ...(height === undefined ? {} : { height }),
    };
    update(renderWatch(state, options).join('\n'));
  };
  // Clocks run on while a look takes long, as when the server does not answer.
  const timer = setInterval(() => {
    draw(io.stdout.rows ?? 24);
  }, REFRESH_MS);
  return {
    show: (next) => {
      state = next;
      draw(io.stdout.rows ?? 24);
    },
    close: () => {
      clearInterval(timer);
      // The whole story goes into the scroll-back, also where it is longer than the terminal.
      update.clear();
      update.done();
      const options = { width: widthOf(io), colour: colourOf(io), now: io.now() };
      print(io, renderWatch(state, options));
    },
  };
}

function lineOutput(io: Io): WatchOutput {
  let before: WatchState = {};
  return {
    show: (after) => {
      for (const change of changesBetween(before, after)) print(io, renderChange(change, after.run, io.now()));
      before = after;
    },
    close: () => undefined,
  };
}

function jsonOutput(io: Io): WatchOutput {
  let last = '';
  return {
    show: (state) => {
      const text = JSON.stringify(state);
      if (text === last) return;
      last = text;
      printJson(io, { type: 'state', at: new Date(io.now()).toISOString(), ...state });
    },
    close: () => undefined,
  };
}
