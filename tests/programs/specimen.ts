// What a generated SDK would offer for the two packages of `tests/specimen`.
import * as pulumi from "@pulumi/pulumi";

/** Goes with every registration, as it does in generated SDKs: otherwise the engine would start two default providers. */
const specimen = { version: "0.1.0", pluginDownloadURL: "https://example.com/specimen" };
const parts = { version: "0.1.0", pluginDownloadURL: "https://example.com/parts" };

/**
 * Lets a program hand over inputs that the types forbid. What a user of another language, or of `any`, writes is what
 * the provider has to refuse.
 */
export type Loose<T> = T | Record<string, unknown>;

export interface NoteArgs {
    title: pulumi.Input<string>;
    body?: pulumi.Input<string | undefined>;
    priority?: pulumi.Input<number>;
    slot?: pulumi.Input<string>;
    password?: pulumi.Input<string>;
    labels?: pulumi.Input<Record<string, pulumi.Input<string>>>;
    lines?: pulumi.Input<pulumi.Input<{ text: pulumi.Input<string>; weight?: pulumi.Input<number> }>[]>;
}

export class Note extends pulumi.CustomResource {
    declare readonly digest: pulumi.Output<string>;
    declare readonly revision: pulumi.Output<number>;
    declare readonly password: pulumi.Output<string | undefined>;

    constructor(name: string, args: Loose<NoteArgs>, opts?: pulumi.CustomResourceOptions) {
        const outputs = { digest: undefined, revision: undefined, password: undefined };
        const merged = pulumi.mergeOptions({ ...specimen, additionalSecretOutputs: ["password"] }, opts);
        super("specimen:index:Note", name, { ...outputs, ...args }, merged);
    }
}

export interface RolloutArgs {
    target: pulumi.Input<string>;
    journal: pulumi.Input<string>;
    steps: pulumi.Input<number>;
    stepMilliseconds?: pulumi.Input<number>;
}

export class Rollout extends pulumi.CustomResource {
    declare readonly done: pulumi.Output<number>;

    constructor(name: string, args: RolloutArgs, opts?: pulumi.CustomResourceOptions) {
        super("specimen:index:Rollout", name, { done: undefined, ...args }, pulumi.mergeOptions(specimen, opts));
    }
}

export interface CabinetArgs {
    label: pulumi.Input<string>;
    password?: pulumi.Input<string>;
    moving?: { journal: string; steps: number };
    broken?: pulumi.Input<boolean>;
}

export class Cabinet extends pulumi.ComponentResource {
    declare readonly boltId: pulumi.Output<string>;
    declare readonly bolt: pulumi.Output<pulumi.Resource>;
    declare readonly serial: pulumi.Output<string>;
    declare readonly digest: pulumi.Output<string>;
    declare readonly key: pulumi.Output<string>;
    declare readonly stack: pulumi.Output<string>;

    constructor(name: string, args: Loose<CabinetArgs>, opts?: pulumi.ComponentResourceOptions) {
        const outputs = { boltId: undefined, bolt: undefined, serial: undefined, digest: undefined, key: undefined };
        const inputs = { ...outputs, stack: undefined, ...args };
        super("specimen:index:Cabinet", name, inputs, pulumi.mergeOptions(specimen, opts), true);
    }

    describe(greeting: string): pulumi.Output<{ text: string }> {
        return pulumi.runtime.call("specimen:index:Cabinet/describe", { __self__: this, greeting }, this);
    }
}

export class Shelf extends pulumi.ComponentResource {
    declare readonly ids: pulumi.Output<string[]>;
    declare readonly count: pulumi.Output<number>;

    constructor(
        name: string,
        args: { size: number; prefix?: pulumi.Input<string> },
        opts?: pulumi.ComponentResourceOptions,
    ) {
        const inputs = { ids: undefined, count: undefined, ...args };
        super("specimen:index:Shelf", name, inputs, pulumi.mergeOptions(specimen, opts), true);
    }
}

export class Bolt extends pulumi.CustomResource {
    declare readonly serial: pulumi.Output<string>;

    constructor(
        name: string,
        args: { label?: pulumi.Input<string>; secretNote?: pulumi.Input<string> },
        opts?: pulumi.CustomResourceOptions,
    ) {
        super("parts:index:Bolt", name, { serial: undefined, ...args }, pulumi.mergeOptions(parts, opts));
    }
}

/** By this a reference to a bolt becomes a bolt again, as it does with generated SDKs. */
pulumi.runtime.registerResourceModule("parts", "index", {
    version: parts.version,
    construct: (name, _type, urn) => new Bolt(name, {}, { urn }),
});

export interface SpecimenConfig {
    region?: pulumi.Input<string>;
    token?: pulumi.Input<string>;
    account?: pulumi.Input<string>;
    attempts?: pulumi.Input<number>;
    labels?: pulumi.Input<Record<string, pulumi.Input<string>>>;
    lock?: pulumi.Input<{ combination: pulumi.Input<string> }>;
}

/** A provider carries its configuration as text: what is not a string goes as JSON, as generated SDKs do it. */
export class SpecimenProvider extends pulumi.ProviderResource {
    constructor(name: string, args: SpecimenConfig = {}, opts?: pulumi.ResourceOptions) {
        const { attempts, labels, lock, ...texts } = args;
        const json = (value: unknown) => (value === undefined ? undefined : pulumi.jsonStringify(value));
        const inputs = { ...texts, attempts: json(attempts), labels: json(labels), lock: json(lock) };
        super("specimen", name, inputs, pulumi.mergeOptions(specimen, opts));
    }
}

export class PartsProvider extends pulumi.ProviderResource {
    constructor(name: string, args: { maker?: pulumi.Input<string> } = {}, opts?: pulumi.ResourceOptions) {
        super("parts", name, args, pulumi.mergeOptions(parts, opts));
    }
}

export function join(words: string[], opts?: pulumi.InvokeOptions): Promise<{ text: string }> {
    return pulumi.runtime.invoke("specimen:index:join", { words }, pulumi.mergeOptions(specimen, opts));
}
