import * as pulumi from "@pulumi/pulumi";
import * as cutover from "pulumi-cutover";

const config = new pulumi.Config();

// Where a database is, and who reads it: `host`, `port`, `database`, `user` and `tls`, or a `secretArn` of AWS Secrets
// Manager that has them. In a program that declares the target too, it comes from its outputs, such as
// `cluster.endpoint`.
function connection(side: "source" | "target"): cutover.types.input.ValidationConnectionArgs {
    return {
        engine: "postgres", // Aurora PostgreSQL, too
        ...config.getObject<Partial<cutover.types.input.ValidationConnectionArgs>>(side),
        // Not needed where a `secretArn` or a `passwordEnv` is given, which keep it out of the state.
        password: config.getSecret(`${side}Password`),
    };
}

const validation = new cutover.DataValidation("payments", {
    source: connection("source"), // on premises
    target: connection("target"), // Aurora PostgreSQL
    tables: ["payments", "transactions", "customers", "audit_log"],
    checks: {
        // What holds for payments everywhere: currencies that exist, no refund above its payment, no orphan.
        preset: "payments",
        // What must add up to the cent, besides every row being the same.
        sums: [
            {
                table: "transactions",
                groupBy: ["kind"],
                sums: ["amount"],
            },
        ],
        // What must not be there; a row that is as wrong on the source is told and fails nothing.
        rules: [
            {
                name: "settled payments of nothing",
                table: "payments",
                condition: "status = 'settled' AND amount = 0",
            },
        ],
    },
    // A verdict stands until one of these changes. Set another release, and the next `pulumi up` looks again.
    triggers: { release: config.get("release") ?? "1" },
    reportFile: "validation.html",
});

export const verdict = validation.verdict;
export const proof = validation.proof;
export const tables = validation.dataValidation.tables;
export const findings = validation.schemaValidation.findings;
export const reasons = validation.reasons;
export const reportDigest = validation.reportDigest;
