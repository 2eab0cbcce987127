// minio-go: `identity` lists a bucket once with its chain of credentials, `loop SECONDS` once a second with one client.
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

func main() {
	endpoint, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL_S3"))
	if err != nil {
		fail(err)
	}
	chain := credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{},
	})
	client, err := minio.New(endpoint.Host, &minio.Options{
		Creds: chain, Region: os.Getenv("AWS_REGION"),
	})
	if err != nil {
		fail(err)
	}
	call := func() error {
		for object := range client.ListObjects(context.Background(), os.Getenv("MATRIX_BUCKET"), minio.ListObjectsOptions{}) {
			if object.Err != nil {
				return object.Err
			}
		}
		return nil
	}
	if os.Args[1] == "identity" {
		if err := call(); err != nil {
			fail(err)
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

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
