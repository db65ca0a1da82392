// A job whose every text tries to be markup, or to look like something else.
import type { NatsConnection } from "nats";
import { encode, jobRecord, Time } from "./records.ts";

export const HOSTILE: readonly string[] = [
  "<script>alert(1)</script>",
  '"onload="alert(1)" x="',
  "'><img src=x onerror=alert(1)>",
  "javascript:alert(1)",
  "[x](javascript:alert(1)) @everyone `@everyone` ``@everyone`` | @everyone \\| @everyone",
  "</pre></details></summary></style></svg></title><iframe src=//example.com>",
  "\u202egnp.exe\u202c \u200b\u0000\u001b[2J\u009b\u2066",
  "</code><!-- ```\n```\n# @everyone\n~~~ --> <base href=//example.com> <form action=//example.com>",
  "{{7*7}} &lt;script&gt; &#x3c;script&#x3e; ]]> <![CDATA[",
];

const all = HOSTILE.join(" ");
const texts = Object.fromEntries(HOSTILE.map((text, i) => [`${text}${i}`, text]));
const peels = HOSTILE.map((_, i) => `web-${i}`).concat("<script>alert(1)</script>", '"onload=alert(1)');

/** Stores it as `hostile`, beside what is there. */
export async function putHostile(nc: NatsConnection): Promise<void> {
  const js = nc.jetstream();
  const at = Time.now();
  const record = jobRecord("hostile", {
    function: all,
    args: texts,
    targets: peels,
    target_expr: all,
    user: all,
    owner: HOSTILE[0],
    status: "failed",
    created: at,
    updated: at,
    metadata: { ...texts, failed_reason: all, retry_of: HOSTILE[1] },
  });
  await (await js.views.kv("jobs")).put("hostile", encode(record));
  const returns = await js.views.kv("job-returns");
  const returned = peels.map((peel, i) => {
    const text = HOSTILE[i % HOSTILE.length] as string;
    const results = [
      {
        name: text,
        changed: true,
        diff: `-${text}\n+${all}`,
        details: { [text]: text, stdout: all },
        error: i % 2 ? text : "",
      },
      { name: all, skipped: true, skip_reason: text },
    ];
    const return_data = i === 3 ? all : { peel_id: peel, jid: "hostile", success: false, results };
    return { jid: "hostile", peel_id: peel, success: false, error: text, duration: 5n, timestamp: at, return_data };
  });
  await returns.put("hostile", encode(returned));
  await js.publish("zester.job.hostile.dispatch", encode({ type: "dispatched", data: record }));
  for (const one of returned.slice(0, HOSTILE.length)) {
    await js.publish(`zester.job.hostile.ack.${one.peel_id}`, encode({ jid: "hostile", peel_id: one.peel_id }));
    await js.publish(`zester.job.hostile.return.${one.peel_id}`, encode(one));
  }
  await js.publish("zester.job.hostile.ack.web-0", encode({ jid: "hostile", peel_id: HOSTILE[0] }));
  await js.publish("zester.job.hostile.cancel", encode({ type: "canceled", data: all }));
  await js.publish("zester.job.hostile.status", encode({ type: "completed", data: { status: all, reason: all } }));
  await js.publish("zester.job.hostile.status", encode({ type: "completed", data: { status: "failed", reason: all } }));
}
