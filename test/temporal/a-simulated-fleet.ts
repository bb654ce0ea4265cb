import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Simulation } from '../../simulator/create.ts';
import { startLocalServer } from './environment.ts';
import { startSimulatedFleet, type SimulatedFleet } from './simulated-fleet.ts';

/** A server for the suite. Call it at the top of one. */
export function aServer(): () => TestWorkflowEnvironment {
  let env: TestWorkflowEnvironment;
  beforeAll(async () => {
    env = await startLocalServer();
  }, 60_000);
  afterAll(async () => {
    await env.teardown();
  }, 60_000);
  return () => env;
}

/**
 * A server for the suite, and a simulated fleet for each of its tests, in which nothing unknown may have been asked. Call it at
 * the top of a suite.
 */
export function aSimulatedFleet(options: Parameters<typeof startSimulatedFleet>[1] = {}): {
  env: () => TestWorkflowEnvironment;
  simulation: () => Simulation;
} {
  const env = aServer();
  let fleet: SimulatedFleet;
  beforeEach(async () => {
    fleet = await startSimulatedFleet(env(), options);
  }, 60_000);
  afterEach(async () => {
    const unknown = fleet.simulation.unknown();
    // First: a worker whose server is gone would keep the suite from ending.
    await fleet.dispose();
    expect(unknown).toEqual([]);
  }, 60_000);
  return { env, simulation: () => fleet.simulation };
}
