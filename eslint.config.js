import js from "@eslint/js";
import tseslint from "typescript-eslint";

const clock = (selector) => ({ selector, message: "Time enters through system/clock: take a Clock." });
const noClock = [
  clock("CallExpression[callee.object.name='Date'][callee.property.name='now']"),
  clock("NewExpression[callee.name='Date'][arguments.length=0]"),
];
const noEnvironment = [
  {
    selector: "MemberExpression[object.name='process'][property.name='env']",
    message: "Only the entries read process.env.",
  },
  {
    selector: "MemberExpression[object.name='process'][property.name='argv']",
    message: "Only the entries read process.argv.",
  },
  {
    selector: "CallExpression[callee.object.name='process'][callee.property.name='exit']",
    message: "Only the entries exit.",
  },
];
const exportsByName = [
  { selector: "ExportAllDeclaration", message: "Export by name." },
  { selector: "ExportDefaultDeclaration", message: "Export by name." },
  { selector: "TSEnumDeclaration", message: "Use a union of strings." },
];
const restricted = (...rules) => ({ "no-restricted-syntax": ["error", ...rules.flat()] });

export default tseslint.config(
  {
    ignores: [
      "dist/",
      "coverage/",
      ".venv/",
      ".lambda-clients/",
      ".public-functions/",
      ".aws-clients/",
      ".matrix-clients/",
      ".test-runs/",
      ".mutation/",
      ".node/",
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  {
    files: ["**/*.{ts,tsx}"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ["./tsconfig.test.json", "./src/page/tsconfig.json"],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/prefer-readonly": "error",
      "@typescript-eslint/no-confusing-void-expression": [
        "error",
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/naming-convention": [
        "error",
        {
          selector: "typeLike",
          format: ["PascalCase"],
          custom: { regex: "(^I[A-Z])|Manager|Service$|Helper|Util|Impl$", match: false },
        },
      ],
    },
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    rules: {
      "no-console": "error",
      complexity: ["error", 10],
      "max-lines": ["error", { max: 250, skipComments: true, skipBlankLines: true }],
      "max-lines-per-function": ["error", { max: 60, skipComments: true, skipBlankLines: true }],
      "@typescript-eslint/max-params": ["error", { max: 3 }],
      "@typescript-eslint/explicit-module-boundary-types": "error",
      ...restricted(noClock, noEnvironment, exportsByName),
    },
  },
  { files: ["src/system/clock.ts", "src/page/now.ts"], rules: restricted(noEnvironment, exportsByName) },
  {
    files: [
      "src/brokerd.ts",
      "src/brokerctl.ts",
      "src/keychain-child.ts",
      "src/lambda-bootstrap.ts",
      "src/load-chunk.ts",
    ],
    rules: restricted(noClock, exportsByName),
  },
  {
    files: ["**/*.mjs", "**/*.cjs"],
    languageOptions: {
      globals: {
        Buffer: "readonly",
        process: "readonly",
        console: "readonly",
        setTimeout: "readonly",
        fetch: "readonly",
        URL: "readonly",
        URLSearchParams: "readonly",
      },
    },
  },
  {
    files: ["test/**/*.ts", "scripts/**/*.ts", "*.config.ts"],
    rules: {
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/no-meaningless-void-operator": "off",
      "@typescript-eslint/require-await": "off",
    },
  },
);
