import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { DatasetError } from "@/data/mod.ts";
import { fromSentError, toSentError, withTask } from "@/data/sent_error.ts";

function withCode(error: Error, code: string): Error {
  return Object.assign(error, { code });
}

const cause = withCode(new Deno.errors.PermissionDenied("no right"), "EACCES");

const ERRORS: [error: Error, what: new () => Error][] = [
  [new Error("something"), Error],
  [new RangeError("too large"), RangeError],
  [new SyntaxError("odd"), SyntaxError],
  [new TypeError("no number"), TypeError],
  [new Deno.errors.NotFound("no file"), Deno.errors.NotFound],
  // The system's codes that have no class: the command line knows a full disk by its code.
  [withCode(new Error("No space left on device (os error 28)"), "ENOSPC"), Error],
  [new DatasetError("no films"), Error],
  [new Error("outer", { cause }), Error],
];

Deno.test("fromSentError() gives class, name, message, stack, code and cause again", () => {
  for (const [error, what] of ERRORS) {
    const again = fromSentError(structuredClone(toSentError(error)));
    assertInstanceOf(again, what);
    const { name, message, stack } = error;
    assertEquals([again.name, again.message, again.stack], [name, message, stack]);
    assertEquals(codeOf(again), codeOf(error));
    assertEquals(again.cause === undefined, error.cause === undefined);
  }
  const { cause: again } = fromSentError(structuredClone(toSentError(new Error("a", { cause }))));
  assertInstanceOf(again, Deno.errors.PermissionDenied);
  assertEquals([again.message, codeOf(again)], ["no right", "EACCES"]);
});

Deno.test("toSentError() takes what is no error", () => {
  assertEquals(toSentError("text"), { name: "Error", message: "text" });
  assertEquals(toSentError(undefined), { name: "Error", message: "undefined" });
});

Deno.test("withTask() says what could not be done, and keeps class, code and cause", () => {
  for (const [error, what] of ERRORS) {
    const told = withTask("Cannot do it", error);
    assertInstanceOf(told, what);
    assertEquals(
      [told.name, told.message],
      [error.name, `Cannot do it: ${error.message}`],
    );
    assertEquals(codeOf(told), codeOf(error));
    assertStrictEquals(told.cause, error);
    assert(told.stack?.includes("Cannot do it"));
  }
});

function codeOf(error: Error): unknown {
  return "code" in error ? error.code : undefined;
}
