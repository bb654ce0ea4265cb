import type { Delivery } from '../../plan/notice.ts';

/** What became of messages to people since the worker began: attempts, each counted. */
export interface Deliveries {
  add: (channel: string, outcome: Delivery['type']) => void;
  all: () => { channel: string; outcome: Delivery['type']; count: number }[];
}

export function createDeliveries(): Deliveries {
  const counts = new Map<string, ReturnType<Deliveries['all']>[number]>();
  return {
    add: (channel, outcome) => {
      const key = `${outcome} ${channel}`;
      counts.set(key, { channel, outcome, count: (counts.get(key)?.count ?? 0) + 1 });
    },
    all: () => [...counts.values()],
  };
}
