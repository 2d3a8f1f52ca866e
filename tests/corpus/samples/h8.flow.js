// @flow
function add(a: number, b: number): number {
  return a + b;
}
type Pair = { x: number, y: number };
console.log(add(1, 2));
