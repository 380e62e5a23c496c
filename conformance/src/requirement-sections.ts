/** Where the requirements stand that rules name as their sources. */

interface Document {
  readonly title: string;
  /** Heading, and the numbers of its requirements: "19-21" from 19 to 21. */
  readonly sections: Readonly<Record<string, string>>;
}

const DOCUMENTS: Readonly<Record<string, Document>> = {
  S: {
    title: "2025-11-25 basic/utilities/tasks",
    sections: {
      Capabilities: "1",
      "Capability Negotiation": "2-3",
      "Tool-Level Negotiation": "4-9",
      "Creating Tasks": "10",
      "Getting Tasks": "12-14",
      "Task Status Notification": "15-16",
      "Task Support and Handling": "17-18",
      "Task ID Requirements": "19-21",
      "Task Status Lifecycle": "22-24",
      "Input Required Status": "25-30",
      "TTL and Resource Management": "31-36",
      "Result Retrieval": "37-40",
      "Associating Task-Related Messages": "41-45",
      "Task Notifications": "46",
      "Related Task Metadata": "47",
      "Progress (basic/utilities/progress)": "48-49",
      "Cancellation (basic/utilities/cancellation)": "50",
      "Task Listing": "51-54",
      "Task Cancellation": "55-60",
      "Protocol Errors": "61-64",
      "Task Execution Errors": "65-68",
      "Task Isolation and Access Control": "69-75",
      "Resource Management": "76-80",
      "Audit and Logging": "81-82",
    },
  },
  X: {
    title: "2026-07-28 io.modelcontextprotocol/tasks",
    sections: {
      "Capability Negotiation": "1-6",
      "Supported Methods": "7",
      "Polymorphic Results": "8-9",
      "Task Status": "10",
      "Task Creation": "11-12",
      "Task Polling": "13-23",
      "Task Update Requests": "25-36",
      "Task Cancellation": "37-42",
      "Task Status Notifications": "43-46",
      "Subscriptions (basic/patterns/subscriptions)": "47",
      "Streamable HTTP: Routing Headers": "48-49",
      "Protocol Errors": "50-54",
      "Task Execution Errors": "55-57",
      "Security Considerations": "58-59",
      "Backwards Compatibility": "60-65",
      Tasks: "66",
    },
  },
  P: {
    title: "promises",
    sections: {
      "One winner": "1",
      "Whole or not at all": "2",
      "Acknowledged is stored, unknown is called unknown": "3",
      "No lost wake-up": "4",
      "Nobody else's": "5",
      "The backend's clock rules": "6",
      "Expiry is exact": "7",
      "No task is forgotten": "8",
      "Cancellation arrives": "9",
      "Bad input never half-succeeds": "10",
    },
  },
};

/** `S-55: 2025-11-25 basic/utilities/tasks, Task Cancellation`; undefined for what is no requirement. */
export function sectionOf(id: string): string | undefined {
  const [, kind = "", digits = ""] = /^([SXP])-?(\d+)$/.exec(id) ?? [];
  const document = DOCUMENTS[kind];
  if (document === undefined) return undefined;
  const number = Number(digits);
  const found = Object.entries(document.sections).find(([, range]) => {
    const [from = 0, to = from] = range.split("-").map(Number);
    return from <= number && number <= to;
  });
  return found && `${id}: ${document.title}, ${found[0]}`;
}
