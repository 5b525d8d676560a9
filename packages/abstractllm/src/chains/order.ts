/** In which order a chain asks its members; called once per call. */
export type Order = (count: number) => number[];

/** As they stand. */
export const inOrder: Order = (count) => Array.from({ length: count }, (_, index) => index);

/** Each in turn; when it fails, those after it. */
export function roundRobin(): Order {
  let calls = 0;
  return (count) => {
    const first = calls++ % count;
    return inOrder(count).map((index) => (first + index) % count);
  };
}

/**
 * By lot: each is first as often as its weight says, and so on among the others.
 *
 * @param random - gives numbers in [0, 1)
 */
export function byWeight(weights: readonly number[], random: () => number = Math.random): Order {
  return (count) => {
    const left = inOrder(count);
    const order: number[] = [];
    while (left.length > 0) order.push(...left.splice(draw(left, weights, random()), 1));
    return order;
  };
}

function draw(members: readonly number[], weights: readonly number[], lot: number): number {
  const weightOf = (member: number) => weights[member] ?? 0;
  let rest = lot * members.reduce((sum, member) => sum + weightOf(member), 0);
  const drawn = members.findIndex((member) => {
    rest -= weightOf(member);
    return rest < 0;
  });
  return drawn < 0 ? members.length - 1 : drawn; // rounding can leave a hair at the end
}
