import * as pulumi from "@pulumi/pulumi";
import { Bolt, Cabinet, Note, join } from "../specimen";

const config = new pulumi.Config();

const cabinet = new Cabinet("cabinet", {
    label: config.get("label") ?? "oak",
    password: config.getSecret("password"),
});

// Its body is not known before the cabinet exists.
const note = new Note("note", {
    title: "inventory",
    body: pulumi.interpolate`${cabinet.serial}: ${config.get("body") ?? "complete"}`,
    slot: config.get("slot") ?? "top",
    priority: 3,
    labels: { kind: "list" },
    lines: [{ text: "one bolt", weight: 0.5 }],
});

export const digest = cabinet.digest;
// The reference becomes a resource again, whose outputs the engine looks up.
export const serial = cabinet.bolt.apply(bolt => (bolt as Bolt).serial);
export const key = cabinet.key;
export const revision = note.revision;
export const described = config.getBoolean("methods") ?? true ? cabinet.describe("hello").text : undefined;
export const joined = join(["a", "b"]).then(answer => answer.text);
