import java.net.URI;
import software.amazon.awssdk.services.sts.StsClient;

/** The SDK v2 for Java: {@code identity} calls STS once by the default chain, {@code loop SECONDS} once a second with one client. */
public final class Identity {
  public static void main(String[] arguments) throws InterruptedException {
    var builder = StsClient.builder();
    // Releases before 2024 do not know the variable.
    var endpoint = System.getenv("AWS_ENDPOINT_URL_STS");
    if (endpoint != null) builder.endpointOverride(URI.create(endpoint));
    try (var client = builder.build()) {
      if (arguments[0].equals("identity")) {
        client.getCallerIdentity();
        return;
      }
      var end = System.nanoTime() + (long) (Double.parseDouble(arguments[1]) * 1e9);
      while (System.nanoTime() < end) {
        try {
          client.getCallerIdentity();
          System.out.println("ok");
        } catch (RuntimeException error) {
          System.out.println("error: " + error.getMessage());
        }
        Thread.sleep(1000);
      }
    } catch (RuntimeException error) {
      System.err.println(error.getMessage());
      System.exit(1);
    }
  }
}
