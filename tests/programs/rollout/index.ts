import * as pulumi from "@pulumi/pulumi";
import { Rollout } from "../specimen";

const config = new pulumi.Config();

const rollout = new Rollout(
    "shift",
    {
        target: config.get("target") ?? "green",
        journal: config.require("journal"),
        steps: config.requireNumber("steps"),
        stepMilliseconds: config.requireNumber("stepMilliseconds"),
    },
    { customTimeouts: { create: config.get("createTimeout") } },
);

export const done = rollout.done;
