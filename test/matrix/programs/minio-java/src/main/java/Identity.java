import io.minio.ListObjectsArgs;
import io.minio.MinioClient;
import io.minio.credentials.AwsConfigProvider;
import io.minio.credentials.AwsEnvironmentProvider;
import io.minio.credentials.ChainedProvider;
import io.minio.credentials.IamAwsProvider;

/** MinIO for Java: {@code identity} lists a bucket once with its chain of credentials, {@code loop SECONDS} once a second with one client. */
public final class Identity {
  public static void main(String[] arguments) throws InterruptedException {
    var chain =
        new ChainedProvider(
            new AwsEnvironmentProvider(), new AwsConfigProvider(null, null), new IamAwsProvider(null, null));
    var client =
        MinioClient.builder()
            .endpoint(System.getenv("AWS_ENDPOINT_URL_S3"))
            .region(System.getenv("AWS_REGION"))
            .credentialsProvider(chain)
            .build();
    var bucket = ListObjectsArgs.builder().bucket(System.getenv("MATRIX_BUCKET")).build();
    if (arguments[0].equals("identity")) {
      try {
        for (var each : client.listObjects(bucket)) each.get();
      } catch (Exception error) {
        System.err.println(error.getMessage());
        System.exit(1);
      }
      System.exit(0);
    }
    var end = System.nanoTime() + (long) (Double.parseDouble(arguments[1]) * 1e9);
    while (System.nanoTime() < end) {
      try {
        for (var each : client.listObjects(bucket)) each.get();
        System.out.println("ok");
      } catch (Exception error) {
        System.out.println("error: " + error.getMessage());
      }
      Thread.sleep(1000);
    }
    System.exit(0);
  }
}
