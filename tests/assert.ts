/**
 * The assertions that the tests import as `@std/assert`, over `node:assert`.
 *
 * The standard library's own package lives on a registry that not every machine reaches. Where it
 * can be reached, map `@std/assert` to it in `deno.json`: names and arguments are the same.
 */
import node, { AssertionError } from "node:assert/strict";

// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

export { AssertionError };

export function assert(condition: unknown, message?: string): asserts condition {
  node.ok(condition, message ?? `Expected a truthy value, got ${condition}`);
}

export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  node.deepStrictEqual(actual, expected, message!);
}

export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  node.notDeepStrictEqual(actual, expected, message!);
}

export function assertStrictEquals<T>(actual: T, expected: T, message?: string): void {
  node.strictEqual(actual, expected, message!);
}

export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T> {
  assert(actual !== undefined && actual !== null, message ?? `Expected a value, got ${actual}`);
}

export function assertInstanceOf<E extends Error>(
  actual: unknown,
  expected: ErrorClass<E>,
  message?: string,
): asserts actual is E {
  assert(actual instanceof expected, message ?? `Expected an instance of ${expected.name}`);
}

/** Passes when `|actual - expected| <= tolerance` (default: 1e-7 relative, as in the original). */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance: number = Math.max(1e-7 * Math.abs(expected), 1e-7),
  message?: string,
): void {
  if (Object.is(actual, expected)) return;
  const ok = Math.abs(actual - expected) <= tolerance;
  assert(ok, message ?? `Expected ${expected} within ${tolerance}, got ${actual}`);
}

export function assertGreater(actual: number, expected: number, message?: string): void {
  assert(actual > expected, message ?? `Expected ${actual} > ${expected}`);
}

export function assertGreaterOrEqual(actual: number, expected: number, message?: string): void {
  assert(actual >= expected, message ?? `Expected ${actual} >= ${expected}`);
}

export function assertLess(actual: number, expected: number, message?: string): void {
  assert(actual < expected, message ?? `Expected ${actual} < ${expected}`);
}

export function assertLessOrEqual(actual: number, expected: number, message?: string): void {
  assert(actual <= expected, message ?? `Expected ${actual} <= ${expected}`);
}

export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  assert(actual.includes(expected), message ?? `Expected "${actual}" to contain "${expected}"`);
}

export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  assert(expected.test(actual), message ?? `Expected "${actual}" to match ${expected}`);
}

function checkError<E extends Error>(
  error: unknown,
  errorClass: ErrorClass<E> | undefined,
  includes: string | undefined,
  message: string | undefined,
): E {
  assert(error instanceof Error, message ?? `Expected an Error, got ${error}`);
  if (errorClass) {
    assert(
      error instanceof errorClass,
      message ?? `Expected ${errorClass.name}, got ${error.name}: ${error.message}`,
    );
  }
  if (includes !== undefined) assertStringIncludes(error.message, includes, message);
  return error as E;
}

export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass?: ErrorClass<E>,
  includes?: string,
  message?: string,
): E {
  try {
    fn();
  } catch (error) {
    return checkError(error, errorClass, includes, message);
  }
  throw new AssertionError({ message: message ?? "Expected the function to throw" });
}

export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass?: ErrorClass<E>,
  includes?: string,
  message?: string,
): Promise<E> {
  try {
    await fn();
  } catch (error) {
    return checkError(error, errorClass, includes, message);
  }
  throw new AssertionError({ message: message ?? "Expected the promise to reject" });
}

export function fail(message = "Failed"): never {
  throw new AssertionError({ message });
}
