import * as pulumi from "@pulumi/pulumi";
import * as cutover from "pulumi-cutover";

const config = new pulumi.Config();

// Both systems run and answer already. Where they are comes from the stack's configuration here; in a program that
// declares them too, it comes from their outputs, such as `alb.dnsName`, `alb.zoneId` and `alb.arn`.
const oldAlias = config.requireObject<cutover.types.input.RecordAliasArgs>("oldAlias");
const newAlias = config.requireObject<cutover.types.input.RecordAliasArgs>("newAlias");

// The six gates of a payment system: errors, latency, failed payments, availability, connections to the database, and
// rows that differ. Any of them that breaks sends everything back to old.
const { gates } = cutover.paymentGatesOutput({
    oldLoadBalancer: config.require("oldLoadBalancer"),
    newLoadBalancer: config.require("newLoadBalancer"),
    payments: {
        namespace: "Payments",
        failed: "Failed",
        total: "Attempted",
        // These tell the payments of old from those of new. Without them both are judged together.
        oldDimensions: { System: "old" },
        newDimensions: { System: "new" },
    },
    dbConnectionFailures: { namespace: "Payments", name: "ConnectionFailures" },
    dataInconsistencies: { namespace: "Payments", name: "DifferingRows" },
});

const shift = new cutover.WeightedShift("payments", {
    router: {
        route53: {
            zoneId: config.require("zoneId"),
            records: [
                {
                    name: config.require("name"),
                    types: ["A", "AAAA"],
                    old: { setIdentifier: "old", alias: oldAlias },
                    new: { setIdentifier: "new", alias: newAlias },
                },
            ],
            // The weighted records are there already, with everything on old.
            adopt: "weighted",
        },
    },
    steps: [
        { share: 10, bake: "30m" },
        { share: 50, bake: "1h" },
        { share: 90, bake: "1h", pause: true }, // waits until somebody raises `approvedThrough`
        { share: 100 },
    ],
    soak: "24h",
    gates,
    approvedThrough: config.getNumber("approvedThrough"),
    attempt: config.getNumber("attempt"),
    // Both systems write to one database, so nothing that new has written has to come back.
    rollback: { sharedDatabase: true },
    // Whoever may write this parameter can stop the shift, or send it back, without Pulumi.
    control: { ssmParameter: config.get("killSwitch") ?? "/payments/shift" },
});

export const phase = shift.phase;
export const share = shift.observedShare;
export const wayBack = shift.breakGlass;
