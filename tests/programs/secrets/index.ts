import * as pulumi from "@pulumi/pulumi";
import { Bolt, Cabinet, Note, SpecimenProvider } from "../specimen";

const config = new pulumi.Config();

/**
 * A secret that names the place in which it is. It is not the configured text itself, since the engine knows that one
 * and blots it out wherever it is printed.
 */
function hidden(place: string): pulumi.Output<string> {
    const reversed = (text: string) => [...text].reverse().join("");
    return config.requireSecret("seed").apply(seed => `${reversed(seed)}-${place}`);
}

const provider = new SpecimenProvider("locked", {
    token: hidden("token"),
    labels: { public: "shown", private: hidden("label") },
    lock: { combination: hidden("combination") },
});

const note = new Note(
    "note",
    {
        title: "shown",
        body: hidden("body"),
        password: hidden("password"),
        labels: { public: "shown", private: hidden("map") },
        lines: [{ text: "shown" }, { text: hidden("list"), weight: 1 }],
    },
    { provider },
);

// Declared secret by the package, although the program gives it away as plain text.
new Bolt("bolt", { secretNote: config.require("plain") });

const cabinet = new Cabinet("cabinet", { label: "shown", password: hidden("component") });

export const key = cabinet.key;
export const password = note.password;
export const serial = cabinet.serial;
