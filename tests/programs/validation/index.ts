// One validation whose arguments are a value of the configuration, so that each test states its own. With `ask` it is
// the question `validateData` instead, to which nothing is kept.
import * as pulumi from "@pulumi/pulumi";
import * as cutover from "pulumi-cutover";

const config = new pulumi.Config();

type Connection = cutover.types.input.ValidationConnectionArgs;
type Args = cutover.DataValidationArgs & { source: Connection; target: Connection };

function declared(): object {
    const args = config.requireObject<Args>("args");
    const password = config.requireSecret("password");
    const validation = new cutover.DataValidation("validation", {
        ...args,
        source: { ...args.source, password },
        target: { ...args.target, password },
    });
    return {
        verdict: validation.verdict,
        proof: validation.proof,
        isDataValid: validation.dataValidation.isValid,
        isSchemaValid: validation.schemaValidation.isValid,
        tables: validation.dataValidation.tables,
        orphans: validation.orphanedRecords.count,
        reasons: validation.reasons,
    };
}

function asked(): object {
    const args = config.requireObject<cutover.ValidateDataArgs>("args");
    const found = cutover.validateData(args);
    return {
        verdict: found.then(found => found.verdict),
        tables: found.then(found => found.dataValidation.tables),
    };
}

export = config.getBoolean("ask") ? asked() : declared();
