// Does what event.do says: the same in every language that the runtime clients are tested in.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do      string `json:"do"`
	Message string `json:"message"`
	Bytes   int    `json:"bytes"`
	Text    string `json:"text"`
}

type refusedOrder struct{ message string }

func (e refusedOrder) Error() string { return e.message }

func handle(ctx context.Context, raw json.RawMessage) (any, error) {
	var given event
	if err := json.Unmarshal(raw, &given); err != nil {
		return nil, err
	}
	switch given.Do {
	case "echo":
		fmt.Println("this is a log line")
		return echo(ctx, raw), nil
	case "throw":
		return nil, refusedOrder{given.Message}
	case "panic":
		panic(given.Message)
	case "hang":
		time.Sleep(time.Hour)
	case "exit":
		os.Exit(7)
	case "print":
		line := strings.Repeat("y", 99)
		for range 110_000 {
			fmt.Println(line)
		}
		return "printed", nil
	case "large":
		return strings.Repeat("x", given.Bytes), nil
	case "stream":
		return strings.NewReader(`"streamed"`), nil
	case "length":
		return len(given.Text), nil
	}
	return nil, nil
}

func echo(ctx context.Context, raw json.RawMessage) any {
	known, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	return map[string]any{
		"event":        raw,
		"requestId":    known.AwsRequestID,
		"arn":          known.InvokedFunctionArn,
		"functionName": lambdacontext.FunctionName,
		"remainingMs":  time.Until(deadline).Milliseconds(),
		"traceId":      os.Getenv("_X_AMZN_TRACE_ID"),
	}
}

func main() {
	if os.Getenv("FAIL_INIT") != "" {
		panic("cannot start")
	}
	if os.Getenv("WITH_SIGTERM") != "" {
		lambda.StartWithOptions(handle, lambda.WithEnableSIGTERM())
	}
	lambda.Start(handle)
}
