// Calls AWS as event.do says: the same in every language that the lease is tested in.
package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const pause = 250 * time.Millisecond

type event struct {
	Do      string `json:"do"`
	Bucket  string `json:"bucket"`
	Key     string `json:"key"`
	Text    string `json:"text"`
	Seconds int    `json:"seconds"`
}

func handle(ctx context.Context, given event) (any, error) {
	// No credentials are given: the SDK's own default chain looks for them.
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	switch given.Do {
	case "identity":
		arn, err := identity(ctx, sts.NewFromConfig(settings))
		return map[string]any{"arn": arn}, err
	case "s3":
		return putAndRead(ctx, s3.NewFromConfig(settings), given)
	case "watch":
		return watch(ctx, sts.NewFromConfig(settings), time.Duration(given.Seconds)*time.Second)
	}
	return nil, fmt.Errorf("do what? %s", given.Do)
}

func identity(ctx context.Context, client *sts.Client) (string, error) {
	answer, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	return aws.ToString(answer.Arn), nil
}

func putAndRead(ctx context.Context, client *s3.Client, given event) (any, error) {
	bucket, key := &given.Bucket, &given.Key
	body := strings.NewReader(given.Text)
	if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: body}); err != nil {
		return nil, err
	}
	object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(object.Body)
	if err != nil {
		return nil, err
	}
	listed, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: key})
	if err != nil {
		return nil, err
	}
	keys := []string{}
	for _, each := range listed.Contents {
		keys = append(keys, aws.ToString(each.Key))
	}
	return map[string]any{"text": string(text), "keys": keys}, nil
}

// Asks who it is again and again with one client, whose credentials come and end meanwhile.
func watch(ctx context.Context, client *sts.Client, howLong time.Duration) (any, error) {
	arns := []string{}
	for endsAt := time.Now().Add(howLong); time.Now().Before(endsAt); time.Sleep(pause) {
		arn, err := identity(ctx, client)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(arns, arn) {
			arns = append(arns, arn)
		}
	}
	return map[string]any{"arns": arns}, nil
}

func main() {
	lambda.Start(handle)
}
