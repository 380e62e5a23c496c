import { defineRule, type Rule } from "../rule.ts";
import { equalTo } from "../wants.ts";

export const exits: Rule = defineRule({
  id: "close/exits",
  title: "A process that closed its stores ends by itself, and nothing escapes from them",
  level: "promise",
  source: ["P4"],
  needs: ["file"],
  mutants: ["timer-holds", "stray-rejection"],
  act: (kit) => kit.processEnd(),
  judge(expect, { alone, strays }) {
    expect("open, use and close two stores in a process: what escaped from them", strays, equalTo([]));
    expect("then look whether the process has ended by itself", alone, equalTo(true));
  },
});
