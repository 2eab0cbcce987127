// The SDK v1 for Go: `identity` calls STS once by the default chain, `loop SECONDS` once a second with one client.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/sts"
)

func main() {
	started, err := session.NewSession()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// It knows no variable for endpoints.
	client := sts.New(started, &aws.Config{Endpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL_STS"))})
	call := func() error {
		_, err := client.GetCallerIdentity(&sts.GetCallerIdentityInput{})
		return err
	}
	if os.Args[1] == "identity" {
		if err := call(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	seconds, _ := strconv.ParseFloat(os.Args[2], 64)
	for end := time.Now().Add(time.Duration(seconds * float64(time.Second))); time.Now().Before(end); time.Sleep(time.Second) {
		if err := call(); err != nil {
			fmt.Println("error:", err)
		} else {
			fmt.Println("ok")
		}
	}
}
