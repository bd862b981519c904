package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
)

// Note is the controller of the custom resource specimen:index:Note.
type Note struct{}

// These assertions keep a changed signature from silently switching infer to a default.
var (
	_ infer.CustomCheck[NoteArgs]                     = Note{}
	_ infer.CustomRead[NoteArgs, NoteState]           = Note{}
	_ infer.CustomUpdate[NoteArgs, NoteState]         = Note{}
	_ infer.CustomDelete[NoteState]                   = Note{}
	_ infer.ExplicitDependencies[NoteArgs, NoteState] = Note{}
)

// Annotate describes the resource in the schema.
func (n *Note) Annotate(a infer.Annotator) {
	a.Describe(&n, "A note that is kept nowhere but in the state of the stack.")
}

// NoteArgs are the inputs of a note.
type NoteArgs struct {
	Title    string            `pulumi:"title"`
	Body     *string           `pulumi:"body,optional"`
	Priority *int              `pulumi:"priority,optional"`
	Slot     *string           `pulumi:"slot,optional" provider:"replaceOnChanges"`
	Password *string           `pulumi:"password,optional" provider:"secret"`
	Labels   map[string]string `pulumi:"labels,optional"`
	Lines    []Line            `pulumi:"lines,optional"`
}

// Annotate describes the inputs in the schema.
func (n *NoteArgs) Annotate(a infer.Annotator) {
	a.Describe(&n.Title, "The title, which also becomes the id.")
	a.Describe(&n.Body, "The text of the note.")
	a.Describe(&n.Priority, "How urgent the note is.")
	a.Describe(&n.Slot, "Where the note is pinned; another slot means another note.")
	a.Describe(&n.Password, "A word that opens the note.")
	a.Describe(&n.Labels, "Free labels.")
	a.Describe(&n.Lines, "Further lines.")
}

// Line is one element of NoteArgs.Lines.
type Line struct {
	Text   string   `pulumi:"text"`
	Weight *float64 `pulumi:"weight,optional"`
}

// Annotate describes the object type in the schema.
func (l *Line) Annotate(a infer.Annotator) {
	a.Describe(&l, "One line of a note.")
	a.Describe(&l.Text, "What the line says.")
	a.Describe(&l.Weight, "How much the line counts.")
}

// NoteState is everything a note has once it exists.
type NoteState struct {
	NoteArgs
	Digest   string `pulumi:"digest"`
	Revision int    `pulumi:"revision"`
}

// Annotate describes the computed outputs in the schema.
func (n *NoteState) Annotate(a infer.Annotator) {
	a.Describe(&n.Digest, "The SHA-256 of title and body, in hexadecimal.")
	a.Describe(&n.Revision, "One when the note is created, and one more with every update.")
}

// WireDependencies says which inputs the computed outputs follow from. Without it infer takes
// every output to hang on every input, and an update of a label would hide the digest in previews.
func (Note) WireDependencies(f infer.FieldSelector, args *NoteArgs, state *NoteState) {
	f.OutputField(&state.Digest).DependsOn(f.InputField(&args.Title), f.InputField(&args.Body))
	// The revision follows from the old state alone, so previews can always show it.
	f.OutputField(&state.Revision).AlwaysKnown()
}

// Check refuses an empty title. It looks at the raw value because infer decodes an unknown
// one to the empty string, and a title still to come must pass.
func (Note) Check(ctx context.Context, req infer.CheckRequest) (infer.CheckResponse[NoteArgs], error) {
	args, failures, err := infer.DefaultCheck[NoteArgs](ctx, req.NewInputs)
	if err != nil {
		return infer.CheckResponse[NoteArgs]{}, err
	}
	if title := req.NewInputs.Get("title"); title.IsString() && title.AsString() == "" {
		failures = append(failures, p.CheckFailure{Property: "title", Reason: "must not be empty"})
	}
	return infer.CheckResponse[NoteArgs]{Inputs: args, Failures: failures}, nil
}

// Create makes the first revision; infer itself hides what a preview cannot know.
func (Note) Create(
	_ context.Context, req infer.CreateRequest[NoteArgs],
) (infer.CreateResponse[NoteState], error) {
	return infer.CreateResponse[NoteState]{
		ID:     req.Inputs.Title,
		Output: NoteState{NoteArgs: req.Inputs, Digest: digest(req.Inputs), Revision: 1},
	}, nil
}

// Read trusts the state it is given, since there is no other record of a note. On import there
// is none either, and then the id supplies the title.
func (Note) Read(
	_ context.Context, req infer.ReadRequest[NoteArgs, NoteState],
) (infer.ReadResponse[NoteArgs, NoteState], error) {
	inputs, state := req.Inputs, req.State
	if inputs.Title == "" {
		inputs.Title = req.ID
	}
	if state.Title == "" {
		state.NoteArgs = inputs
	}
	if state.Revision == 0 {
		state.Revision = 1
	}
	state.Digest = digest(state.NoteArgs)
	return infer.ReadResponse[NoteArgs, NoteState]{ID: req.ID, Inputs: inputs, State: state}, nil
}

// Update makes the next revision. The id stays what it was, even when the title changes.
func (Note) Update(
	_ context.Context, req infer.UpdateRequest[NoteArgs, NoteState],
) (infer.UpdateResponse[NoteState], error) {
	return infer.UpdateResponse[NoteState]{
		Output: NoteState{
			NoteArgs: req.Inputs,
			Digest:   digest(req.Inputs),
			Revision: req.State.Revision + 1,
		},
	}, nil
}

// Delete has nothing to remove; it is here so that a deletion decodes the state as a real
// provider's would.
func (Note) Delete(context.Context, infer.DeleteRequest[NoteState]) (infer.DeleteResponse, error) {
	return infer.DeleteResponse{}, nil
}

func digest(args NoteArgs) string {
	body := ""
	if args.Body != nil {
		body = *args.Body
	}
	sum := sha256.Sum256([]byte(args.Title + "\n" + body))
	return hex.EncodeToString(sum[:])
}
