/** An output as the program prints it, and what its first error is. */
export interface Output {
  readonly name: string
  readonly text: string
  /** A part of the line that is expected. */
  readonly says: string
  readonly file?: string
  readonly line?: number
}

function output (name: string, text: string, says: string, file?: string, line?: number): Output {
  const place = { ...(file !== undefined && { file }), ...(line !== undefined && { line }) }
  return { name, text: text.replace(/^\n/, ''), says, ...place }
}

const TEST_RUNNERS: readonly Output[] = [
  output('jest: expect', `
 PASS  src/utils/format.test.ts
 FAIL  src/cart/total.test.ts
  ● Console

    console.warn
      React Router Future Flag Warning: relative route resolution is changing

      at warnOnce (node_modules/react-router/lib/deprecations.ts:9:13)

  ● total › adds the tax

    expect(received).toBe(expected) // Object.is equality

    Expected: 119
    Received: 100

      12 |   it('adds the tax', () => {
      13 |     const cart = makeCart([{ price: 100 }])
    > 14 |     expect(total(cart)).toBe(119)
         |                         ^
      15 |   })

      at Object.<anonymous> (src/cart/total.test.ts:14:25)

Test Suites: 1 failed, 1 passed, 2 total
Tests:       1 failed, 8 passed, 9 total
Snapshots:   0 total
Time:        2.314 s
Ran all test suites.`, 'total › adds the tax', 'src/cart/total.test.ts', 14),
  output('jest: a suite that does not run', `
 FAIL  src/api/client.test.js
  ● Test suite failed to run

    Cannot find module '../http' from 'src/api/client.js'

    Require stack:
      src/api/client.js
      src/api/client.test.js

      1 | const axios = require('axios')
    > 2 | const http = require('../http')
        |              ^

      at Resolver._throwModNotFoundError (node_modules/jest-resolve/build/resolver.js:427:11)
      at Object.require (src/api/client.js:2:14)

Test Suites: 1 failed, 1 total
Tests:       0 total`, 'Cannot find module', 'src/api/client.js', 2),
  output('jest: an error thrown', `
 FAIL  test/user.test.js
  ✓ creates (3 ms)
  ✕ loads (2 ms)

  ● loads

    TypeError: Cannot read properties of undefined (reading 'name')

      7 | export function nameOf (user) {
    > 8 |   return user.profile.name
        |                       ^

      at nameOf (src/user.js:8:23)
      at Object.nameOf (test/user.test.js:12:10)

Tests:       1 failed, 1 passed, 2 total`, "TypeError: Cannot read properties of undefined (reading 'name')", 'src/user.js', 8),
  output('vitest', `
 RUN  v3.2.4 /srv/shop

 ✓ src/format.test.ts (4 tests) 3ms
 ❯ src/total.test.ts (2 tests | 1 failed) 12ms
   ✓ total > is 0 for an empty cart
   × total > adds the tax 8ms
     → expected 100 to be 119 // Object.is equality

⎯⎯⎯⎯⎯⎯⎯ Failed Tests 1 ⎯⎯⎯⎯⎯⎯⎯

 FAIL  src/total.test.ts > total > adds the tax
AssertionError: expected 100 to be 119 // Object.is equality

- Expected
+ Received

- 119
+ 100

 ❯ src/total.test.ts:14:25
     12|   it('adds the tax', () => {
     13|     const cart = makeCart([{ price: 100 }])
     14|     expect(total(cart)).toBe(119)
       |                         ^

⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯[1/1]⎯

 Test Files  1 failed | 1 passed (2)
      Tests  1 failed | 5 passed (6)
   Duration  412ms`, 'AssertionError: expected 100 to be 119', 'src/total.test.ts', 14),
  output('vitest: does not transform', `
 FAIL  src/app.test.ts [ src/app.test.ts ]
Error: Failed to resolve import "./missing" from "src/app.ts". Does the file exist?
  Plugin: vite:import-analysis
  File: /srv/shop/src/app.ts:1:20
  1  |  import { x } from "./missing";

 Test Files  1 failed (1)
      Tests  no tests`, 'Failed to resolve import "./missing"', '/srv/shop/src/app.ts', 1),
  output('mocha', `
  Cart
    ✔ is empty at first
    1) adds the tax

  1 passing (8ms)
  1 failing

  1) Cart
       adds the tax:

      AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:

100 !== 119

      + expected - actual

      -100
      +119

      at Context.<anonymous> (test/cart.spec.js:9:14)
      at process.processImmediate (node:internal/timers:476:21)`, 'Expected values to be strictly equal', 'test/cart.spec.js', 9),
  output('node:test, spec', `
▶ cart
  ✔ is empty at first (0.5ms)
  ✖ adds the tax (1.2ms)
▶ cart (2.4ms)
ℹ tests 2
ℹ suites 1
ℹ pass 1
ℹ fail 1
ℹ duration_ms 61.2

✖ failing tests:

test at test/cart.test.js:7:3
✖ adds the tax (1.2ms)
  AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:

  100 !== 119

      at TestContext.<anonymous> (file:///srv/shop/test/cart.test.js:8:12)
      at Test.runInAsyncScope (node:async_hooks:206:9) {
    code: 'ERR_ASSERTION'
  }`, 'Expected values to be strictly equal', '/srv/shop/test/cart.test.js', 8),
  output('node:test, tap', `
TAP version 13
# Subtest: adds the tax
not ok 1 - adds the tax
  ---
  duration_ms: 1.4
  location: '/srv/shop/test/cart.test.js:7:3'
  failureType: 'testCodeFailure'
  error: |-
    Expected values to be strictly equal:

    100 !== 119

  code: 'ERR_ASSERTION'
  stack: |-
    TestContext.<anonymous> (file:///srv/shop/test/cart.test.js:8:12)
  ...
1..1
# tests 1
# pass 0
# fail 1`, 'adds the tax', '/srv/shop/test/cart.test.js', 7),
  output('tap', `
 FAIL  test/cart.test.ts 1 failed of 2 62ms
 ✗ should be equal

  🌈 TEST COMPLETE 🌈

  FAIL  test/cart.test.ts 1 failed of 2 62ms
   ✗ should be equal
    test/cart.test.ts
     7 t.test('adds the tax', async (t) => {
     8   t.equal(total([100]), 119)
         ━━━━━┛
     9 })
    --- expected
    +++ actual
    @@ -1,1 +1,1 @@
    -119
    +100
    test/cart.test.ts:8:5

Asserts:  1 failed  1 passed  2 of 2 complete
Suites:   1 failed  0 passed  1 of 1 complete`, 'should be equal', 'test/cart.test.ts'),
  output('ava', `
  ✘ [fail]: cart › adds the tax
  ─

  cart › adds the tax

  test/cart.js:6

   5: test('adds the tax', t => {
   6:   t.is(total([100]), 119)
   7: })

  Difference (- actual, + expected):

  - 100
  + 119

  1 test failed`, 'cart › adds the tax', 'test/cart.js', 6),
  output('playwright', `
Running 2 tests using 1 worker

  ✘  1 [chromium] › tests/login.spec.ts:5:1 › signs in (5.1s)
  ✓  2 [chromium] › tests/home.spec.ts:3:1 › shows the title (301ms)


  1) [chromium] › tests/login.spec.ts:5:1 › signs in ─────────────────

    Error: Timed out 5000ms waiting for expect(locator).toBeVisible()

    Locator: getByText('Welcome')
    Expected: visible
    Received: <element(s) not found>

      8 |   await page.click('button')
    > 9 |   await expect(page.getByText('Welcome')).toBeVisible()
        |                                           ^

        at /srv/shop/tests/login.spec.ts:9:43

  1 failed
    [chromium] › tests/login.spec.ts:5:1 › signs in
  1 passed (6.4s)`, 'Timed out 5000ms waiting for expect', '/srv/shop/tests/login.spec.ts', 9),
  output('cypress', `
  Login
    1) signs in

  0 passing (4s)
  1 failing

  1) Login
       signs in:
     AssertionError: Timed out retrying after 4000ms: Expected to find element: \`#welcome\`, but never found it.
      at Context.eval (webpack://shop/./cypress/e2e/login.cy.js:7:7)`, 'Timed out retrying after 4000ms'),
  output('pytest: assert', `
============================= test session starts ==============================
platform linux -- Python 3.12.3, pytest-8.3.3, pluggy-1.5.0
rootdir: /srv/shop
plugins: cov-5.0.0, asyncio-0.24.0
collected 12 items

tests/test_cart.py .F..........                                          [100%]

=================================== FAILURES ===================================
_______________________________ test_adds_the_tax _______________________________

    def test_adds_the_tax():
        cart = Cart([100])
>       assert cart.total() == 119
E       assert 100 == 119
E        +  where 100 = total()
E        +    where total = <shop.cart.Cart object at 0x7f0>.total

tests/test_cart.py:14: AssertionError
=============================== warnings summary ===============================
../venv/lib/python3.12/site-packages/x.py:3
  DeprecationWarning: pkg_resources is deprecated as an API

-- Docs: https://docs.pytest.org/en/stable/how-to/capture-warnings.html
=========================== short test summary info ============================
FAILED tests/test_cart.py::test_adds_the_tax - assert 100 == 119
========================= 1 failed, 11 passed in 0.21s =========================`, 'assert 100 == 119', 'tests/test_cart.py', 14),
  output('pytest: exception', `
=================================== FAILURES ===================================
___________________________________ test_load ___________________________________

    def test_load():
>       load("x.json")

tests/test_load.py:5:
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _

    def load(path):
>       return json.load(open(path))
E       FileNotFoundError: [Errno 2] No such file or directory: 'x.json'

shop/load.py:9: FileNotFoundError
=========================== short test summary info ============================
FAILED tests/test_load.py::test_load - FileNotFoundError: [Errno 2] No such f...
============================== 1 failed in 0.05s ===============================`, 'FileNotFoundError: [Errno 2]', 'shop/load.py', 9),
  output('pytest: collection', `
==================================== ERRORS ====================================
_____________________ ERROR collecting tests/test_cart.py ______________________
ImportError while importing test module '/srv/shop/tests/test_cart.py'.
Hint: make sure your test modules/packages have valid Python names.
Traceback:
/usr/lib/python3.12/importlib/__init__.py:90: in import_module
    return _bootstrap._gcd_import(name[level:], package, level)
tests/test_cart.py:1: in <module>
    from shop.cart import Cart
E   ModuleNotFoundError: No module named 'shop'
=========================== short test summary info ============================
ERROR tests/test_cart.py
!!!!!!!!!!!!!!!!!!!! Interrupted: 1 error during collection !!!!!!!!!!!!!!!!!!!!
=============================== 1 error in 0.09s ===============================`, "ModuleNotFoundError: No module named 'shop'", 'tests/test_cart.py', 1),
  output('pytest: -q, summary alone', `
..F.                                                                     [100%]
FAILED tests/test_cart.py::test_adds_the_tax - assert 100 == 119
1 failed, 3 passed in 0.11s`, 'assert 100 == 119', 'tests/test_cart.py'),
  output('unittest', `
.F
======================================================================
FAIL: test_tax (tests.test_cart.CartTest.test_tax)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "/srv/shop/tests/test_cart.py", line 9, in test_tax
    self.assertEqual(total([100]), 119)
AssertionError: 100 != 119

----------------------------------------------------------------------
Ran 2 tests in 0.001s

FAILED (failures=1)`, 'AssertionError: 100 != 119', '/srv/shop/tests/test_cart.py', 9),
  output('go test', `
ok  \texample.com/shop/format\t0.003s
--- FAIL: TestTax (0.00s)
    cart_test.go:12: Total() = 100, want 119
FAIL
FAIL\texample.com/shop/cart\t0.004s
?   \texample.com/shop/cmd\t[no test files]
FAIL`, 'Total() = 100, want 119', 'cart_test.go', 12),
  output('go test, testify', `
--- FAIL: TestTax (0.00s)
    cart_test.go:14:
        \tError Trace:\t/srv/shop/cart/cart_test.go:14
        \tError:      \tNot equal:
        \t            \texpected: 119
        \t            \tactual  : 100
        \tTest:       \tTestTax
FAIL
exit status 1
FAIL\texample.com/shop/cart\t0.005s`, 'Not equal', undefined),
  output('go test, panic', `
--- FAIL: TestLoad (0.00s)
panic: runtime error: invalid memory address or nil pointer dereference [recovered]
\tpanic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4f1a2b]

goroutine 6 [running]:
testing.tRunner.func1.2({0x5117c0, 0x62a2f0})
\t/usr/local/go/src/testing/testing.go:1632 +0x230
example.com/shop/cart.(*Cart).Total(...)
\t/srv/shop/cart/cart.go:21
example.com/shop/cart.TestLoad(0xc0000a6820)
\t/srv/shop/cart/cart_test.go:9 +0x1b
FAIL\texample.com/shop/cart\t0.006s`, 'panic: runtime error: invalid memory address', '/srv/shop/cart/cart.go', 21),
  output('cargo test', `
   Compiling shop v0.1.0 (/srv/shop)
    Finished \`test\` profile [unoptimized + debuginfo] target(s) in 0.41s
     Running unittests src/lib.rs (target/debug/deps/shop-8d2)

running 2 tests
test cart::tests::empty ... ok
test cart::tests::tax ... FAILED

failures:

---- cart::tests::tax stdout ----

thread 'cart::tests::tax' panicked at src/cart.rs:31:9:
assertion \`left == right\` failed
  left: 100
 right: 119
note: run with \`RUST_BACKTRACE=1\` environment variable to display a backtrace


failures:
    cart::tests::tax

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

error: test failed, to rerun pass \`--lib\``, 'assertion `left == right` failed', 'src/cart.rs', 31),
  output('rspec', `
.F

Failures:

  1) Cart adds the tax
     Failure/Error: expect(cart.total).to eq(119)

       expected: 119
            got: 100

       (compared using ==)
     # ./spec/cart_spec.rb:8:in \`block (2 levels) in <top (required)>'

Finished in 0.0123 seconds (files took 0.08 seconds to load)
2 examples, 1 failure

Failed examples:

rspec ./spec/cart_spec.rb:6 # Cart adds the tax`, 'Failure/Error: expect(cart.total).to eq(119)', './spec/cart_spec.rb', 8),
  output('minitest', `
Run options: --seed 2231

# Running:

F.

Failure:
CartTest#test_tax [test/cart_test.rb:9]:
Expected: 119
  Actual: 100

bin/rails test test/cart_test.rb:7

2 runs, 2 assertions, 1 failures, 0 errors, 0 skips`, 'CartTest#test_tax', 'test/cart_test.rb', 9),
  output('phpunit', `
PHPUnit 11.3.1 by Sebastian Bergmann and contributors.

.F                                                                  2 / 2 (100%)

Time: 00:00.012, Memory: 8.00 MB

There was 1 failure:

1) CartTest::testTax
Failed asserting that 100 matches expected 119.

/srv/shop/tests/CartTest.php:14

FAILURES!
Tests: 2, Assertions: 2, Failures: 1.`, 'Failed asserting that 100 matches expected 119', '/srv/shop/tests/CartTest.php', 14),
  output('junit with maven', `
[INFO] Scanning for projects...
[INFO] -------------------------------------------------------
[INFO]  T E S T S
[INFO] -------------------------------------------------------
[INFO] Running com.example.CartTest
[ERROR] Tests run: 2, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.05 s <<< FAILURE! -- in com.example.CartTest
[ERROR] com.example.CartTest.tax -- Time elapsed: 0.006 s <<< FAILURE!
org.opentest4j.AssertionFailedError: expected: <119> but was: <100>
\tat org.junit.jupiter.api.AssertionUtils.fail(AssertionUtils.java:55)
\tat org.junit.jupiter.api.Assertions.assertEquals(Assertions.java:150)
\tat com.example.CartTest.tax(CartTest.java:14)

[INFO] Results:
[ERROR] Failures:
[ERROR]   CartTest.tax:14 expected: <119> but was: <100>
[ERROR] Tests run: 2, Failures: 1, Errors: 0, Skipped: 0
[INFO] BUILD FAILURE
[ERROR] Failed to execute goal org.apache.maven.plugins:maven-surefire-plugin:3.2.5:test (default-test) on project shop: There are test failures.`, 'expected: <119> but was: <100>', 'CartTest.java', 14),
  output('gradle test', `
> Task :compileJava UP-TO-DATE
> Task :test FAILED

CartTest > tax() FAILED
    org.opentest4j.AssertionFailedError: expected: <119> but was: <100>
        at app//com.example.CartTest.tax(CartTest.java:14)

2 tests completed, 1 failed

FAILURE: Build failed with an exception.

* What went wrong:
Execution failed for task ':test'.
> There were failing tests. See the report at: file:///srv/shop/build/reports/tests/test/index.html

BUILD FAILED in 3s`, 'expected: <119> but was: <100>', 'CartTest.java', 14),
  output('dotnet test', `
  Determining projects to restore...
  All projects are up-to-date for restore.
  Shop -> /srv/shop/bin/Debug/net9.0/Shop.dll
Starting test execution, please wait...
[xUnit.net 00:00:00.31]     Shop.Tests.CartTests.Tax [FAIL]
  Failed Shop.Tests.CartTests.Tax [4 ms]
  Error Message:
   Assert.Equal() Failure: Values differ
Expected: 119
Actual:   100
  Stack Trace:
     at Shop.Tests.CartTests.Tax() in /srv/shop/tests/CartTests.cs:line 14
   at System.RuntimeMethodHandle.InvokeMethod(Object target)

Failed!  - Failed:     1, Passed:     1, Skipped:     0, Total:     2, Duration: 12 ms - Shop.Tests.dll (net9.0)`, 'Assert.Equal() Failure: Values differ', '/srv/shop/tests/CartTests.cs', 14),
  output('swift test', `
Building for debugging...
Build complete! (1.21s)
Test Suite 'CartTests' started at 2026-11-30 12:00:00.000
Test Case '-[ShopTests.CartTests testTax]' started.
/srv/shop/Tests/ShopTests/CartTests.swift:9: error: -[ShopTests.CartTests testTax] : XCTAssertEqual failed: ("100") is not equal to ("119")
Test Case '-[ShopTests.CartTests testTax]' failed (0.104 seconds).
\t Executed 1 test, with 1 failure (0 unexpected) in 0.104 (0.105) seconds`, 'XCTAssertEqual failed', '/srv/shop/Tests/ShopTests/CartTests.swift', 9),
  output('elixir', `
..

  1) test adds the tax (ShopTest)
     test/shop_test.exs:5
     Assertion with == failed
     code:  assert Shop.total([100]) == 119
     left:  100
     right: 119
     stacktrace:
       test/shop_test.exs:6: (test)

Finished in 0.02 seconds (0.00s async, 0.02s sync)
3 tests, 1 failure`, 'Assertion with == failed', 'test/shop_test.exs'),
  output('bats', `
cart.bats
 ✓ is empty
 ✗ adds the tax
   (in test file test/cart.bats, line 7)
     \`[ "$output" = "119" ]' failed

2 tests, 1 failure`, 'adds the tax', 'test/cart.bats', 7),
  output('googletest', `
[==========] Running 2 tests from 1 test suite.
[ RUN      ] Cart.Tax
/srv/shop/test/cart_test.cc:12: Failure
Expected equality of these values:
  total({100})
    Which is: 100
  119
[  FAILED  ] Cart.Tax (0 ms)
[  PASSED  ] 1 test.
[  FAILED  ] 1 test, listed below:
[  FAILED  ] Cart.Tax`, 'Failure', '/srv/shop/test/cart_test.cc', 12),
  output('ctest', `
Test project /srv/shop/build
    Start 1: cart
1/2 Test #1: cart .............................***Failed    0.01 sec
    Start 2: format
2/2 Test #2: format ...........................   Passed    0.01 sec

50% tests passed, 1 tests failed out of 2

The following tests FAILED:
\t  1 - cart (Failed)
Errors while running CTest`, 'cart')
]

const COMPILERS: readonly Output[] = [
  output('tsc', `
src/app.ts(12,5): error TS2322: Type 'string' is not assignable to type 'number'.
src/app.ts(20,9): error TS2304: Cannot find name 'foo'.`, 'error TS2322: Type', 'src/app.ts', 12),
  output('tsc --pretty', `
\u001b[96msrc/app.ts\u001b[0m:\u001b[93m12\u001b[0m:\u001b[93m5\u001b[0m - \u001b[91merror\u001b[0m\u001b[90m TS2322: \u001b[0mType 'string' is not assignable to type 'number'.

\u001b[7m12\u001b[0m   total = 'x'
\u001b[7m  \u001b[0m \u001b[91m  ~~~~~\u001b[0m

Found 1 error in src/app.ts\u001b[90m:12\u001b[0m`, 'error TS2322: Type', 'src/app.ts', 12),
  output('eslint', `

/srv/shop/src/app.ts
   3:7   warning  'x' is assigned a value but never used  no-unused-vars
  12:15  error    Extra semicolon                         semi

/srv/shop/src/cart.ts
   4:1   error    Unexpected console statement            no-console

✖ 3 problems (2 errors, 1 warning)
  2 errors and 0 warnings potentially fixable with the \`--fix\` option.`, 'Extra semicolon', '/srv/shop/src/app.ts', 12),
  output('biome', `
src/app.ts:12:5 lint/suspicious/noExplicitAny ━━━━━━━━━━━━━━━━━━━━━━━━━━

  ✖ Unexpected any. Specify a different type.

    11 │ export function f (
  > 12 │   x: any
       │      ^^^

Checked 20 files in 31ms. No fixes applied.
Found 1 error.`, 'Unexpected any', 'src/app.ts', 12),
  output('prettier --check', `
Checking formatting...
[warn] src/app.ts
[warn] Code style issues found in the above file. Run Prettier with --write to fix.`, 'Code style issues'),
  output('esbuild', `
✘ [ERROR] Could not resolve "./missing"

    src/app.ts:3:22:
      3 │ import { x } from './missing'
        ╵                   ~~~~~~~~~~~

1 error`, 'Could not resolve "./missing"', 'src/app.ts', 3),
  output('vite build', `
vite v6.0.1 building for production...
transforming...
✓ 12 modules transformed.
x Build failed in 210ms
error during build:
src/main.ts (3:9): "x" is not exported by "src/lib.ts", imported by "src/main.ts".
file: /srv/shop/src/main.ts:3:9`, '"x" is not exported by "src/lib.ts"', 'src/main.ts', 3),
  output('webpack', `
asset main.js 1.2 KiB [emitted] (name: main)
ERROR in ./src/app.js 3:0-28
Module not found: Error: Can't resolve './missing' in '/srv/shop/src'
 @ ./src/index.js 1:0-22

webpack 5.95.0 compiled with 1 error in 320 ms`, "Can't resolve './missing'"),
  output('next build', `
   ▲ Next.js 15.0.3

   Creating an optimized production build ...
 ✓ Compiled successfully
   Linting and checking validity of types ...
Failed to compile.

./src/app/page.tsx:12:7
Type error: Type 'string' is not assignable to type 'number'.

  10 | export default function Page() {
> 12 |   const x: number = 'a'`, "Type error: Type 'string'", './src/app/page.tsx', 12),
  output('gcc', `
gcc -Wall -c -o main.o main.c
main.c: In function 'main':
main.c:5:7: warning: unused variable 'y' [-Wunused-variable]
    5 |   int y;
      |       ^
main.c:7:3: error: 'x' undeclared (first use in this function)
    7 |   x = 1;
      |   ^
main.c:7:3: note: each undeclared identifier is reported only once for each function it appears in
make: *** [Makefile:4: main.o] Error 1`, "error: 'x' undeclared", 'main.c', 7),
  output('clang', `
src/main.cpp:3:10: fatal error: 'boost/asio.hpp' file not found
#include <boost/asio.hpp>
         ^~~~~~~~~~~~~~~~
1 error generated.`, "fatal error: 'boost/asio.hpp' file not found", 'src/main.cpp', 3),
  output('ld', `
[ 50%] Building CXX object CMakeFiles/shop.dir/main.cpp.o
[100%] Linking CXX executable shop
/usr/bin/ld: CMakeFiles/shop.dir/main.cpp.o: in function \`main':
main.cpp:(.text+0x1f): undefined reference to \`total(int)'
collect2: error: ld returned 1 exit status
make[2]: *** [CMakeFiles/shop.dir/build.make:97: shop] Error 1`, 'undefined reference to `total(int)'),
  output('make: no rule', `
make: *** No rule to make target 'tset'.  Stop.`, "No rule to make target 'tset'"),
  output('make: a recipe', `
mkdir -p build
cp missing build/
cp: cannot stat 'missing': No such file or directory
make: *** [Makefile:12: build] Error 1`, "cp: cannot stat 'missing'"),
  output('cmake', `
-- The CXX compiler identification is GNU 13.2.0
-- Detecting CXX compiler ABI info - done
CMake Error at CMakeLists.txt:9 (find_package):
  By not providing "FindBoost.cmake" in CMAKE_MODULE_PATH this project has
  asked CMake to find a package configuration file provided by "Boost", but
  CMake did not find one.


-- Configuring incomplete, errors occurred!`, 'CMake Error at CMakeLists.txt:9', 'CMakeLists.txt', 9),
  output('go build', `
# example.com/shop/cart
cart/cart.go:14:9: undefined: taxRate
cart/cart.go:20:2: declared and not used: x`, 'undefined: taxRate', 'cart/cart.go', 14),
  output('go vet', `
# example.com/shop/cart
# [example.com/shop/cart]
vet: cart/cart.go:14:9: undefined: taxRate`, 'undefined: taxRate', 'cart/cart.go', 14),
  output('go: module', `
go: downloading github.com/x/y v1.2.3
main.go:5:2: no required module provides package github.com/x/z; to add it:
\tgo get github.com/x/z`, 'no required module provides package', 'main.go', 5),
  output('cargo build', `
   Compiling shop v0.1.0 (/srv/shop)
warning: unused variable: \`y\`
 --> src/lib.rs:3:9
  |
3 |     let y = 1;
  |         ^ help: if this is intentional, prefix it with an underscore: \`_y\`

error[E0308]: mismatched types
  --> src/cart.rs:12:5
   |
11 | fn total() -> u32 {
12 |     "x"
   |     ^^^ expected \`u32\`, found \`&str\`

For more information about this error, try \`rustc --explain E0308\`.
warning: \`shop\` (lib) generated 1 warning
error: could not compile \`shop\` (lib) due to 1 previous error; 1 warning emitted`, 'error[E0308]: mismatched types', 'src/cart.rs', 12),
  output('javac', `
src/main/java/com/example/Cart.java:12: error: cannot find symbol
        return taxRate;
               ^
  symbol:   variable taxRate
  location: class Cart
1 error`, 'error: cannot find symbol', 'src/main/java/com/example/Cart.java', 12),
  output('maven compile', `
[INFO] --- compiler:3.13.0:compile (default-compile) @ shop ---
[INFO] Compiling 3 source files with javac [debug target 21] to target/classes
[INFO] -------------------------------------------------------------
[ERROR] COMPILATION ERROR :
[INFO] -------------------------------------------------------------
[ERROR] /srv/shop/src/main/java/com/example/Cart.java:[12,16] cannot find symbol
  symbol:   variable taxRate
[INFO] 1 error
[INFO] BUILD FAILURE
[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.13.0:compile`, 'cannot find symbol', '/srv/shop/src/main/java/com/example/Cart.java', 12),
  output('gradle compile', `
> Task :compileJava FAILED
/srv/shop/src/main/java/com/example/Cart.java:12: error: cannot find symbol
        return taxRate;
               ^
1 error

FAILURE: Build failed with an exception.

* What went wrong:
Execution failed for task ':compileJava'.
> Compilation failed; see the compiler output below.

BUILD FAILED in 1s`, 'error: cannot find symbol', '/srv/shop/src/main/java/com/example/Cart.java', 12),
  output('gradle: configuration', `
FAILURE: Build failed with an exception.

* Where:
Build file '/srv/shop/build.gradle' line: 14

* What went wrong:
A problem occurred evaluating root project 'shop'.
> Could not find method implementaton() for arguments [x] on object of type DefaultDependencyHandler.

* Try:
> Run with --stacktrace option to get the stack trace.

BUILD FAILED in 402ms`, 'A problem occurred evaluating root project', '/srv/shop/build.gradle', 14),
  output('kotlin', `
> Task :compileKotlin FAILED
w: file:///srv/shop/src/main/kotlin/Cart.kt:3:7 Variable 'y' is never used
e: file:///srv/shop/src/main/kotlin/Cart.kt:12:12 Unresolved reference 'taxRate'.

FAILURE: Build failed with an exception.`, "Unresolved reference 'taxRate'", '/srv/shop/src/main/kotlin/Cart.kt', 12),
  output('dotnet build', `
  Determining projects to restore...
/srv/shop/Cart.cs(3,9): warning CS0168: The variable 'y' is declared but never used [/srv/shop/Shop.csproj]
/srv/shop/Cart.cs(12,16): error CS0103: The name 'taxRate' does not exist in the current context [/srv/shop/Shop.csproj]

Build FAILED.

    1 Warning(s)
    1 Error(s)`, "error CS0103: The name 'taxRate'", '/srv/shop/Cart.cs', 12),
  output('swiftc', `
/srv/shop/Sources/Shop/Cart.swift:12:16: error: cannot find 'taxRate' in scope
        return taxRate
               ^~~~~~~
error: fatalError`, "cannot find 'taxRate' in scope", '/srv/shop/Sources/Shop/Cart.swift', 12),
  output('xcodebuild', `
Command line invocation:
    /Applications/Xcode.app/Contents/Developer/usr/bin/xcodebuild -scheme Shop build

note: Using build description from disk
/Users/dev/Shop/Cart.swift:12:16: error: cannot find 'taxRate' in scope
** BUILD FAILED **

The following build commands failed:
\tSwiftCompile normal arm64 /Users/dev/Shop/Cart.swift (in target 'Shop' from project 'Shop')
(1 failure)`, "cannot find 'taxRate' in scope", '/Users/dev/Shop/Cart.swift', 12),
  output('mypy', `
shop/cart.py:12: error: Incompatible return value type (got "str", expected "int")  [return-value]
shop/cart.py:20: note: See https://mypy.rtfd.io/en/stable/_refs.html
Found 1 error in 1 file (checked 3 source files)`, 'Incompatible return value type', 'shop/cart.py', 12),
  output('ruff', `
shop/cart.py:1:8: F401 [*] \`os\` imported but unused
Found 1 error.
[*] 1 fixable with the \`--fix\` option.`, 'F401', 'shop/cart.py', 1),
  output('flake8', `
./shop/cart.py:12:80: E501 line too long (92 > 79 characters)
./shop/cart.py:20:1: W391 blank line at end of file`, 'E501 line too long', './shop/cart.py', 12),
  output('pyright', `
/srv/shop/cart.py
  /srv/shop/cart.py:12:12 - error: Type "str" is not assignable to return type "int" (reportReturnType)
1 error, 0 warnings, 0 informations`, 'Type "str" is not assignable', '/srv/shop/cart.py', 12),
  output('golangci-lint', `
cart/cart.go:14:2: ineffectual assignment to x (ineffassign)
\tx = 1
\t^
1 issues:
* ineffassign: 1`, 'ineffectual assignment to x', 'cart/cart.go', 14),
  output('shellcheck', `

In deploy.sh line 4:
rm -rf $DIR/*
       ^--^ SC2086 (info): Double quote to prevent globbing and word splitting.

For more information:
  https://www.shellcheck.net/wiki/SC2086 -- Double quote to prevent globbing`, 'In deploy.sh line 4', 'deploy.sh', 4),
  output('protoc', `
shop/cart.proto:12:3: "Money" is not defined.`, '"Money" is not defined', 'shop/cart.proto', 12)
]

const CRASHES: readonly Output[] = [
  output('node: uncaught', `
Server listening on 3000
/srv/shop/src/cart.js:8
    return cart.items.length
                      ^

TypeError: Cannot read properties of undefined (reading 'length')
    at total (/srv/shop/src/cart.js:8:23)
    at Object.<anonymous> (/srv/shop/index.js:3:1)
    at Module._compile (node:internal/modules/cjs/loader:1554:14)

Node.js v22.12.0`, "TypeError: Cannot read properties of undefined (reading 'length')", '/srv/shop/src/cart.js', 8),
  output('node: module', `
node:internal/modules/cjs/loader:1228
  throw err;
  ^

Error: Cannot find module 'express'
Require stack:
- /srv/shop/index.js
    at Function._resolveFilename (node:internal/modules/cjs/loader:1225:15)
    at Object.<anonymous> (/srv/shop/index.js:1:17) {
  code: 'MODULE_NOT_FOUND',
  requireStack: [ '/srv/shop/index.js' ]
}

Node.js v22.12.0`, "Error: Cannot find module 'express'", '/srv/shop/index.js', 1),
  output('node: syntax', `
file:///srv/shop/src/app.mjs:4
const x = ;
          ^

SyntaxError: Unexpected token ';'
    at compileSourceTextModule (node:internal/modules/esm/utils:346:16)
    at ModuleLoader.moduleStrategy (node:internal/modules/esm/translators:107:18)

Node.js v22.12.0`, "SyntaxError: Unexpected token ';'", '/srv/shop/src/app.mjs', 4),
  output('node: rejection', `
[UnhandledPromiseRejection: This error originated either by throwing inside of an async function without a catch block, or by rejecting a promise which was not handled with .catch(). The promise rejected with the reason "no".] {
  code: 'ERR_UNHANDLED_REJECTION'
}

Node.js v22.12.0`, 'UnhandledPromiseRejection'),
  output('node: memory', `

<--- Last few GCs --->

[4321:0x5f3]    21034 ms: Mark-Compact 2046.1 (2083.2) -> 2045.2 (2084.0) MB, 812.11 / 0.00 ms

<--- JS stacktrace --->

FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
----- Native stack trace -----

 1: 0xe16044 node::OOMErrorHandler(char const*, v8::OOMDetails const&) [node]
Aborted (core dumped)`, 'JavaScript heap out of memory'),
  output('python', `
INFO:root:loading
Traceback (most recent call last):
  File "/srv/shop/main.py", line 9, in <module>
    main()
  File "/srv/shop/main.py", line 5, in main
    print(cart["total"])
          ~~~~^^^^^^^^^
KeyError: 'total'`, "KeyError: 'total'", '/srv/shop/main.py', 5),
  output('python: a chain', `
Traceback (most recent call last):
  File "/srv/shop/db.py", line 12, in connect
    raise OSError("refused")
OSError: refused

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/shop/main.py", line 3, in <module>
    connect()
RuntimeError: no database`, 'OSError: refused', '/srv/shop/db.py', 12),
  output('python: syntax', `
  File "/srv/shop/cart.py", line 4
    def total(
             ^
SyntaxError: '(' was never closed`, "SyntaxError: '(' was never closed", '/srv/shop/cart.py', 4),
  output('java', `
Exception in thread "main" java.lang.NullPointerException: Cannot invoke "Cart.total()" because "cart" is null
\tat com.example.Main.main(Main.java:7)`, 'java.lang.NullPointerException', 'Main.java', 7),
  output('java: memory', `
Exception in thread "main" java.lang.OutOfMemoryError: Java heap space
\tat com.example.Main.main(Main.java:7)`, 'OutOfMemoryError: Java heap space'),
  output('rust', `
    Finished \`dev\` profile [unoptimized + debuginfo] target(s) in 0.02s
     Running \`target/debug/shop\`
thread 'main' panicked at src/main.rs:4:34:
called \`Result::unwrap()\` on an \`Err\` value: Os { code: 2, kind: NotFound, message: "No such file or directory" }
note: run with \`RUST_BACKTRACE=1\` environment variable to display a backtrace`, 'called `Result::unwrap()`', 'src/main.rs', 4),
  output('go', `
panic: open config.yml: no such file or directory

goroutine 1 [running]:
main.main()
\t/srv/shop/main.go:12 +0x1d
exit status 2`, 'panic: open config.yml', '/srv/shop/main.go', 12),
  output('ruby', `
main.rb:3:in 'total': undefined method 'sum' for nil (NoMethodError)
\tfrom main.rb:7:in '<main>'`, "undefined method 'sum' for nil", 'main.rb', 3),
  output('php', `
PHP Warning:  Undefined variable $y in /srv/shop/cart.php on line 3
PHP Fatal error:  Uncaught TypeError: total(): Argument #1 must be of type array, null given in /srv/shop/cart.php:8
Stack trace:
#0 /srv/shop/index.php(4): total(NULL)
#1 {main}
  thrown in /srv/shop/cart.php on line 8`, 'Uncaught TypeError: total()', '/srv/shop/cart.php', 8),
  output('c#', `
Unhandled exception. System.NullReferenceException: Object reference not set to an instance of an object.
   at Shop.Cart.Total() in /srv/shop/Cart.cs:line 12
   at Program.<Main>$(String[] args) in /srv/shop/Program.cs:line 3`, 'System.NullReferenceException', '/srv/shop/Cart.cs', 12),
  output('c', `
Segmentation fault (core dumped)`, 'Segmentation fault'),
  output('asan', `
=================================================================
==4321==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000014 at pc 0x55 bp 0x7f sp 0x7f
READ of size 4 at 0x602000000014 thread T0
    #0 0x55 in main /srv/shop/main.c:7:10`, 'AddressSanitizer: heap-buffer-overflow'),
  output('deno', `
error: Uncaught (in promise) TypeError: Cannot read properties of undefined (reading 'x')
    at main (file:///srv/shop/main.ts:4:11)`, "TypeError: Cannot read properties of undefined (reading 'x')", '/srv/shop/main.ts', 4)
]

const SYSTEM: readonly Output[] = [
  output('bash: command', 'bash: line 1: poetry: command not found', 'poetry: command not found'),
  output('zsh: command', 'zsh:1: command not found: poetry', 'command not found: poetry'),
  output('dash: command', '/bin/sh: 1: poetry: not found', 'poetry: not found'),
  output('cmd: command', "'poetry' is not recognized as an internal or external command,\r\noperable program or batch file.", "'poetry' is not recognized"),
  output('bash: syntax', "deploy.sh: line 12: syntax error near unexpected token `fi'\ndeploy.sh: line 12: `fi'", 'syntax error near unexpected token', 'deploy.sh', 12),
  output('bash: unbound', 'deploy.sh: line 3: TARGET: unbound variable', 'TARGET: unbound variable', 'deploy.sh', 3),
  output('permission', 'bash: ./deploy.sh: Permission denied', 'Permission denied'),
  output('file', 'cat: config.yml: No such file or directory', 'No such file or directory'),
  output('disk', "npm warn deprecated x@1\ntar: ./big: Wrote only 2048 of 10240 bytes\ncp: error writing '/data/a': No space left on device", 'No space left on device'),
  output('port', `
> shop@1.0.0 start
> node server.js

node:events:497
      throw er; // Unhandled 'error' event
      ^

Error: listen EADDRINUSE: address already in use :::3000
    at Server.setupListenHandle [as _listen2] (node:net:1937:16)
Emitted 'error' event on Server instance at:
    at emitErrorNT (node:net:1916:8) {
  code: 'EADDRINUSE',
  errno: -98
}`, 'listen EADDRINUSE: address already in use :::3000'),
  output('oom killer', 'Compiling…\nKilled', 'Killed'),
  output('curl', '  % Total    % Received % Xferd  Average Speed   Time\n  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0\ncurl: (6) Could not resolve host: api.example.com', 'Could not resolve host: api.example.com'),
  output('curl: status', 'curl: (22) The requested URL returned error: 404', 'The requested URL returned error: 404'),
  output('npm: resolve', `
npm warn config production Use \`--omit=dev\` instead.
npm error code ERESOLVE
npm error ERESOLVE unable to resolve dependency tree
npm error
npm error While resolving: shop@1.0.0
npm error Found: react@19.0.0
npm error A complete log of this run can be found in: /home/dev/.npm/_logs/2026-11-30T12_00_00_000Z-debug-0.log`, 'ERESOLVE unable to resolve dependency tree'),
  output('npm: 404', `
npm ERR! code E404
npm ERR! 404 Not Found - GET https://registry.npmjs.org/left-padd - Not found
npm ERR! 404
npm ERR! 404  'left-padd@*' is not in this registry.`, '404 Not Found'),
  output('npm: network', `
npm error code ENOTFOUND
npm error syscall getaddrinfo
npm error errno ENOTFOUND
npm error network request to https://registry.npmjs.org/left-pad failed, reason: getaddrinfo ENOTFOUND registry.npmjs.org
npm error network This is a problem related to network connectivity.`, 'ENOTFOUND'),
  output('npm: script', 'npm error Missing script: "tset"\nnpm error\nnpm error To see a list of scripts, run:\nnpm error   npm run', 'Missing script: "tset"'),
  output('npm: a script that failed', `
> shop@1.0.0 lint
> eslint .

Oops! Something went wrong! :(

ESLint: 9.15.0

ESLint couldn't find an eslint.config.(js|mjs|cjs) file.
npm error Lifecycle script \`lint\` failed with error:
npm error code 2
npm error path /srv/shop
npm error workspace shop@1.0.0`, "ESLint couldn't find an eslint.config"),
  output('pnpm', ' ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with "frozen-lockfile" because pnpm-lock.yaml is not up to date with package.json', 'ERR_PNPM_OUTDATED_LOCKFILE'),
  output('yarn', `
➤ YN0000: · Yarn 4.5.3
➤ YN0000: ┌ Resolution step
➤ YN0082: │ left-padd@npm:*: No candidates found
➤ YN0000: └ Completed
➤ YN0000: · Failed with errors in 0s 312ms`, 'No candidates found'),
  output('yarn 1', 'yarn install v1.22.22\n[1/4] Resolving packages...\nerror Couldn\'t find package "left-padd" on the "npm" registry.\ninfo Visit https://yarnpkg.com/en/docs/cli/install for documentation about this command.', 'Couldn\'t find package "left-padd"'),
  output('pip', `
Collecting requets
  Downloading something.whl (12 kB)
ERROR: Could not find a version that satisfies the requirement requets (from versions: none)
ERROR: No matching distribution found for requets

[notice] A new release of pip is available: 24.0 -> 24.3.1`, 'Could not find a version that satisfies the requirement requets'),
  output('pip: build', `
Building wheels for collected packages: lxml
  Building wheel for lxml (pyproject.toml): started
  error: subprocess-exited-with-error

  × Building wheel for lxml (pyproject.toml) did not run successfully.
  │ exit code: 1
  ╰─> [4 lines of output]
      Error: Please make sure the libxml2 and libxslt development packages are installed.
      [end of output]

ERROR: Failed building wheel for lxml`, 'Please make sure the libxml2'),
  output('docker build', `
#8 [4/5] RUN npm ci
#8 2.311 npm error code EUSAGE
#8 2.311 npm error \`npm ci\` can only install with an existing package-lock.json
#8 ERROR: process "/bin/sh -c npm ci" did not complete successfully: exit code: 1
------
 > [4/5] RUN npm ci:
------
Dockerfile:8
--------------------
   8 | >>> RUN npm ci
--------------------
ERROR: failed to solve: process "/bin/sh -c npm ci" did not complete successfully: exit code: 1`, 'can only install with an existing package-lock.json'),
  output('docker: daemon', 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?', 'Cannot connect to the Docker daemon'),
  output('docker: pull', 'Unable to find image \'shop:latest\' locally\ndocker: Error response from daemon: pull access denied for shop, repository does not exist or may require \'docker login\'.\nSee \'docker run --help\'.', 'pull access denied for shop'),
  output('git: conflict', 'Auto-merging src/app.ts\nCONFLICT (content): Merge conflict in src/app.ts\nAutomatic merge failed; fix conflicts and then commit the result.', 'Merge conflict in src/app.ts', 'src/app.ts'),
  output('git: push', `
To github.com:example/shop.git
 ! [rejected]        main -> main (fetch first)
error: failed to push some refs to 'github.com:example/shop.git'
hint: Updates were rejected because the remote contains work that you do not have locally.`, 'main -> main (fetch first)'),
  output('git: key', 'git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights', 'Permission denied (publickey)'),
  output('git: pathspec', "error: pathspec 'featre' did not match any file(s) known to git", "pathspec 'featre' did not match"),
  output('kubectl', 'Error from server (NotFound): deployments.apps "shop" not found', 'deployments.apps "shop" not found'),
  output('kubectl: refused', 'E1130 12:00:00.000000   12 memcache.go:265] couldn\'t get current server API group list: Get "http://localhost:8080/api": dial tcp 127.0.0.1:8080: connect: connection refused\nThe connection to the server localhost:8080 was refused - did you specify the right host or port?', 'connection refused'),
  output('terraform', `
Terraform used the selected providers to generate the following execution plan.
╷
│ Error: Reference to undeclared resource
│
│   on main.tf line 12, in resource "aws_instance" "shop":
│   12:   subnet_id = aws_subnet.main.id
│
│ A managed resource "aws_subnet" "main" has not been declared in the root module.
╵`, 'Error: Reference to undeclared resource', 'main.tf', 12),
  output('ansible', `
TASK [install] *****************************************************************
ok: [web1]
fatal: [web2]: FAILED! => {"changed": false, "msg": "No package matching 'ngnx' is available"}

PLAY RECAP *********************************************************************
web2 : ok=1    changed=0    unreachable=0    failed=1`, "No package matching 'ngnx' is available"),
  output('psql', 'psql:migrate.sql:12: ERROR:  relation "carts" does not exist\nLINE 1: select * from carts', 'relation "carts" does not exist', 'migrate.sql', 12),
  output('sqlite', 'Error: near line 3: in prepare, no such table: carts', 'no such table: carts'),
  output('prisma', "Error: P1001: Can't reach database server at `localhost:5432`\n\nPlease make sure your database server is running at `localhost:5432`.", "P1001: Can't reach database server"),
  output('apt', 'Reading package lists... Done\nBuilding dependency tree... Done\nE: Unable to locate package ngnx', 'Unable to locate package ngnx'),
  output('timeout of a tool', 'Command timed out after 2m 0.0s\nstill compiling', 'Command timed out after 2m'),
  output('claude: edit', '<tool_use_error>String to replace not found in file.\nString: const x = 1</tool_use_error>', 'String to replace not found in file'),
  output('claude: exit code', 'Exit code 1\n1 test failed', '1 test failed'),
  output('codex: patch', 'apply_patch verification failed: Failed to find expected lines in /srv/shop/src/app.ts:\n  const x = 1', 'Failed to find expected lines')
]

const MORE: readonly Output[] = [
  output('jest with ts-jest', `
 FAIL  src/cart.test.ts
  ● Test suite failed to run

    src/cart.ts:3:5 - error TS2322: Type 'string' is not assignable to type 'number'.

    3     total = 'x'
          ~~~~~

Test Suites: 1 failed, 1 total`, 'error TS2322: Type', 'src/cart.ts', 3),
  output('pytest: fixture', `
==================================== ERRORS ====================================
__________________________ ERROR at setup of test_tax __________________________
file /srv/shop/tests/test_cart.py, line 3
  def test_tax(db):
E       fixture 'db' not found
>       available fixtures: cache, capfd, capsys
/srv/shop/tests/test_cart.py:3
=========================== short test summary info ============================
ERROR tests/test_cart.py::test_tax
=============================== 1 error in 0.01s ===============================`, "fixture 'db' not found", '/srv/shop/tests/test_cart.py', 3),
  output('go test: time', `
panic: test timed out after 10m0s
\trunning tests:
\t\tTestSlow (10m0s)

goroutine 33 [running]:
testing.(*M).startAlarm.func1()
\t/usr/local/go/src/testing/testing.go:2373 +0x30c
FAIL\texample.com/shop/cart\t600.012s`, 'panic: test timed out after 10m0s'),
  output('clippy', `
    Checking shop v0.1.0 (/srv/shop)
error: this returns a \`Result\` that is not used
  --> src/main.rs:4:5
   |
4  |     run();
   |     ^^^^^^
   = note: \`-D warnings\` implied

error: could not compile \`shop\` (bin "shop") due to 1 previous error`, 'this returns a `Result` that is not used', 'src/main.rs', 4),
  output('rustfmt', 'Diff in /srv/shop/src/main.rs:12:\n-fn  main() {}\n+fn main() {}', 'Diff in /srv/shop/src/main.rs', '/srv/shop/src/main.rs', 12),
  output('black', 'would reformat shop/cart.py\n\nOh no! 💥 💔 💥\n1 file would be reformatted, 3 files would be left unchanged.', 'would reformat shop/cart.py'),
  output('maven: dependencies', '[INFO] Scanning for projects...\n[INFO] BUILD FAILURE\n[ERROR] Failed to execute goal on project shop: Could not resolve dependencies for project com.example:shop:jar:1.0: Could not find artifact com.example:money:jar:9 in central', 'Could not resolve dependencies'),
  output('aws', 'upload failed: ./a to s3://b/a An error occurred (AccessDenied) when calling the PutObject operation: Access Denied', 'AccessDenied'),
  output('mysql', "mysql: [Warning] Using a password on the command line interface can be insecure.\nERROR 1045 (28000): Access denied for user 'shop'@'localhost' (using password: YES)", 'Access denied for user'),
  output('redis', 'Could not connect to Redis at 127.0.0.1:6379: Connection refused', 'Connection refused'),
  output('ssh', 'ssh: connect to host web1 port 22: Connection timed out', 'Connection timed out'),
  output('tar', 'tar: shop.tgz: Cannot open: No such file or directory\ntar: Error is not recoverable: exiting now', 'Cannot open: No such file'),
  output('node: esm', `
node:internal/modules/esm/resolve:275
    throw new ERR_MODULE_NOT_FOUND(
          ^

Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/srv/shop/src/missing.js' imported from /srv/shop/src/app.js
    at finalizeResolution (node:internal/modules/esm/resolve:275:11) {
  code: 'ERR_MODULE_NOT_FOUND'
}

Node.js v22.12.0`, "Cannot find module '/srv/shop/src/missing.js'"),
  output('rollup', `
vite v6.0.1 building for production...
✓ 3 modules transformed.
error during build:
[vite]: Rollup failed to resolve import "left-pad" from "/srv/shop/src/main.ts".
This is most likely unintended because it can break your application at runtime.`, 'Rollup failed to resolve import "left-pad"'),
  output('angular', `
Application bundle generation failed. [2.1 seconds]

✘ [ERROR] TS2322: Type 'string' is not assignable to type 'number'. [plugin angular-compiler]

    src/app/app.ts:12:4:
      12 │     this.total = 'x'`, "TS2322: Type 'string'", 'src/app/app.ts', 12),
  output('stylelint', `

src/a.css
  3:5  ✖  Unexpected unknown property "colr"  property-no-unknown

✖ 1 problem (1 error, 0 warnings)`, 'Unexpected unknown property "colr"', 'src/a.css', 3),
  output('markdownlint', 'README.md:12:81 error MD013/line-length Line length [Expected: 80; Actual: 92]', 'MD013/line-length', 'README.md', 12),
  output('sbt', '[info] compiling 3 Scala sources to /srv/shop/target\n[error] /srv/shop/src/main/scala/Cart.scala:12:5: not found: value taxRate\n[error]     taxRate\n[error]     ^\n[error] one error found', 'not found: value taxRate', '/srv/shop/src/main/scala/Cart.scala', 12),
  output('ghc', 'src/Main.hs:12:5: error: [GHC-88464]\n    Variable not in scope: taxRate', 'GHC-88464', 'src/Main.hs', 12),
  output('ocaml', 'File "cart.ml", line 3, characters 4-11:\n3 |     taxrate\n        ^^^^^^^\nError: Unbound value taxrate', 'Error: Unbound value taxrate', 'cart.ml', 3),
  output('zig', "src/main.zig:4:5: error: use of undeclared identifier 'x'", 'use of undeclared identifier', 'src/main.zig', 4),
  output('dart', "lib/main.dart:12:3: Error: The getter 'taxRate' isn't defined for the class 'Cart'.", "The getter 'taxRate' isn't defined", 'lib/main.dart', 12),
  output('flutter test', `
00:01 +1 -1: adds the tax [E]
  Expected: <119>
    Actual: <100>

  package:matcher             expect
  test/cart_test.dart 9:5     main.<fn>

00:01 +1 -1: Some tests failed.`, 'adds the tax [E]', 'test/cart_test.dart', 9),
  output('perl', 'syntax error at cart.pl line 3, near "}"\nExecution of cart.pl aborted due to compilation errors.', 'syntax error at cart.pl line 3', 'cart.pl', 3),
  output('lua', "lua: cart.lua:3: attempt to index a nil value (local 'x')\nstack traceback:\n\tcart.lua:3: in main chunk", 'attempt to index a nil value', 'cart.lua', 3),
  output('r', "Error in total(x) : object 'y' not found\nCalls: total\nExecution halted", "object 'y' not found"),
  output('julia', 'ERROR: LoadError: UndefVarError: `y` not defined\nStacktrace:\n [1] top-level scope\n   @ /srv/shop/cart.jl:3', 'UndefVarError: `y` not defined', '/srv/shop/cart.jl', 3),
  output('elixir: compile', '== Compilation error in file lib/cart.ex ==\n** (CompileError) lib/cart.ex:3: undefined function tax/0', 'undefined function tax/0', 'lib/cart.ex', 3),
  output('powershell', "Get-Item : Cannot find path 'C:\\shop\\x' because it does not exist.\nAt C:\\shop\\build.ps1:3 char:1\n+ Get-Item x\n    + CategoryInfo          : ObjectNotFound", "Cannot find path 'C:\\shop\\x'", 'C:\\shop\\build.ps1', 3),
  output('bazel', 'INFO: Analyzed target //:shop (12 packages loaded).\nERROR: /srv/shop/BUILD:3:10: Compiling main.cc failed: (Exit 1): gcc failed\nmain.cc:7:3: error: \'x\' was not declared in this scope', "'x' was not declared in this scope", 'main.cc', 7),
  output('nix', "error: attribute 'foo' missing\n       at /srv/shop/flake.nix:12:3:", "attribute 'foo' missing", '/srv/shop/flake.nix', 12),
  output('gh', 'gh: Not Found (HTTP 404)', 'Not Found (HTTP 404)'),
  output('poetry', '\nThe current project could not be installed: No file/folder found for package shop\nIf you do not want to install the current project use --no-root.', 'could not be installed'),
  output('uv', '  × No solution found when resolving dependencies:\n  ╰─▶ Because requets was not found in the package registry and your project depends on requets, we can conclude that your project\'s requirements are unsatisfiable.', 'No solution found when resolving dependencies'),
  output('bundler', "Could not find gem 'raisl' in rubygems repository https://rubygems.org/ or installed locally.", "Could not find gem 'raisl'"),
  output('composer', 'Your requirements could not be resolved to an installable set of packages.\n\n  Problem 1\n    - Root composer.json requires x/y, it could not be found in any version', 'could not be resolved'),
  output('cargo: dependency', '    Updating crates.io index\nerror: no matching package named `serd` found\nlocation searched: crates.io index\nrequired by package `shop v0.1.0 (/srv/shop)`', 'no matching package named `serd` found'),
  output('coverage', `
All files |   82.1 |    75 |    80 |   82.1 |
Jest: "global" coverage threshold for lines (90%) not met: 82.1%`, 'coverage threshold for lines (90%) not met'),
  output('k6/http', 'HTTP/1.1 500 Internal Server Error\n{"error":"no database"}', '500 Internal Server Error')
]

export const OUTPUTS: readonly Output[] = [...TEST_RUNNERS, ...COMPILERS, ...CRASHES, ...SYSTEM, ...MORE]
