// Who the Go SDK v2 is, as `aws sts get-caller-identity` prints it. With SECONDS: again and again in this one process.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		fail(err)
	}
	client := sts.NewFromConfig(cfg)
	for end := endsAt(); ; time.Sleep(250 * time.Millisecond) {
		identity, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			fail(err)
		}
		err = json.NewEncoder(os.Stdout).Encode(map[string]*string{
			"UserId": identity.UserId, "Account": identity.Account, "Arn": identity.Arn,
		})
		if err != nil {
			fail(err)
		}
		if !time.Now().Before(end) {
			return
		}
	}
}

func endsAt() time.Time {
	seconds := 0
	if len(os.Args) > 1 {
		seconds, _ = strconv.Atoi(os.Args[1])
	}
	return time.Now().Add(time.Duration(seconds) * time.Second)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
