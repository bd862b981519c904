package main

import (
	"context"
	"strings"

	"github.com/pulumi/pulumi-go-provider/infer"
)

// Join is the controller of the function specimen:index:join.
type Join struct{}

// Annotate describes the function in the schema.
func (j *Join) Annotate(a infer.Annotator) {
	a.Describe(&j, "Joins words into one text.")
}

// JoinArgs are the inputs of join.
type JoinArgs struct {
	Words     []string `pulumi:"words"`
	Separator *string  `pulumi:"separator,optional"`
}

// Annotate describes the inputs in the schema.
func (j *JoinArgs) Annotate(a infer.Annotator) {
	a.Describe(&j.Words, "The words, in order.")
	a.Describe(&j.Separator, "What stands between two words; nothing if left out.")
}

// JoinResult is the output of join.
type JoinResult struct {
	Text string `pulumi:"text"`
}

// Annotate describes the output in the schema.
func (j *JoinResult) Annotate(a infer.Annotator) {
	a.Describe(&j.Text, "The joined text.")
}

// Invoke joins the words.
func (Join) Invoke(
	_ context.Context, req infer.FunctionRequest[JoinArgs],
) (infer.FunctionResponse[JoinResult], error) {
	separator := ""
	if req.Input.Separator != nil {
		separator = *req.Input.Separator
	}
	return infer.FunctionResponse[JoinResult]{
		Output: JoinResult{Text: strings.Join(req.Input.Words, separator)},
	}, nil
}
