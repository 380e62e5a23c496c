import { type Report, type RuleReport, standingOf } from "../report.ts";
import { detailsOf, remarksOn } from "./describe-rule.ts";
import { themeOf } from "./totals.ts";

/**
 * The report for continuous integration: a suite for each theme, a case for each rule. What fails the run is a failure,
 * what leaves it open an error; everything else that did not pass is skipped and says why.
 */
export function junitReport(report: Report): string {
  const themes = [...new Set(report.rules.map(themeOf))];
  const suites = themes.map((theme) => suite(theme, report));
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: `conformance of ${report.target}`, ...countsOf(report.rules, report) })}>`,
    ...suites,
    "</testsuites>",
    "",
  ].join("\n");
}

function suite(theme: string, report: Report): string {
  const rules = report.rules.filter((rule) => themeOf(rule) === theme);
  const { verdict, kit, ruleset, seed } = report;
  const properties = Object.entries({ verdict, kit, ruleset, seed }).map(
    ([name, value]) => `      <property${attributes({ name, value })}/>`,
  );
  return [
    `  <testsuite${attributes({ name: theme, ...countsOf(rules, report) })}>`,
    "    <properties>",
    ...properties,
    "    </properties>",
    ...rules.map((rule) => testCase(rule, report)),
    "  </testsuite>",
  ].join("\n");
}

function testCase(rule: RuleReport, report: Report): string {
  const name = `${rule.id}: ${rule.title}`;
  const head = `    <testcase${attributes({ classname: `conformance.${themeOf(rule)}`, name, time: seconds(rule.durationMs) })}`;
  const child = elementOf(rule, report);
  const strength = rule.strength === undefined ? [] : [`      <system-out>races: ${rule.strength}</system-out>`];
  const inner = [...(child === undefined ? [] : [child]), ...strength];
  return inner.length === 0 ? `${head}/>` : [`${head}>`, ...inner, "    </testcase>"].join("\n");
}

function elementOf(rule: RuleReport, report: Report): string | undefined {
  const details = detailsOf(rule, report).join("\n");
  const why = [rule.reason ?? rule.failure?.did ?? "", ...remarksOn(rule, report)].filter((text) => text !== "");
  switch (standingOf(rule, report)) {
    case "passed":
      return undefined;
    case "failed":
      return element(
        "failure",
        { message: `wanted ${rule.failure?.wanted ?? "a pass"}`, type: "nonconformant" },
        details,
      );
    case "fixed":
      return element("failure", { message: "passes, and the baseline says that it fails", type: "baseline" }, details);
    case "open":
      return element("error", { message: rule.reason ?? "", type: "could-not-run" }, details);
    case "warning":
    case "known":
    case "uncounted":
    case "not-applicable":
      return `      <skipped${attributes({ message: why.join("; ") })}/>`;
  }
}

function element(name: string, attribute: Readonly<Record<string, string>>, text: string): string {
  return `      <${name}${attributes(attribute)}>${escaped(text)}</${name}>`;
}

function countsOf(rules: readonly RuleReport[], report: Report): Readonly<Record<string, string | number>> {
  const standings = rules.map((rule) => standingOf(rule, report));
  const count = (...wanted: readonly string[]): number => standings.filter((each) => wanted.includes(each)).length;
  return {
    tests: rules.length,
    failures: count("failed", "fixed"),
    errors: count("open"),
    skipped: count("warning", "known", "uncounted", "not-applicable"),
    time: seconds(rules.reduce((sum, rule) => sum + rule.durationMs, 0)),
  };
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3);
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(String(value)).replaceAll("\n", "&#10;")}"`)
    .join("");
}

/** Control characters, lone surrogates and the like are no XML, however they are written. */
const NO_XML = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escaped(text: string): string {
  return text.replace(NO_XML, "\uFFFD").replace(/[&<>"]/g, (char) => ENTITIES[char] ?? char);
}
