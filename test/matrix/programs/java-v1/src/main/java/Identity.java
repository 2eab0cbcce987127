import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.services.securitytoken.AWSSecurityTokenServiceClientBuilder;
import com.amazonaws.services.securitytoken.model.GetCallerIdentityRequest;

/** The SDK v1 for Java: {@code identity} calls STS once by the default chain, {@code loop SECONDS} once a second with one client. */
public final class Identity {
  public static void main(String[] arguments) throws InterruptedException {
    // It knows no variable for endpoints.
    var endpoint = new EndpointConfiguration(System.getenv("AWS_ENDPOINT_URL_STS"), System.getenv("AWS_REGION"));
    try {
      var client = AWSSecurityTokenServiceClientBuilder.standard().withEndpointConfiguration(endpoint).build();
      if (arguments[0].equals("identity")) {
        client.getCallerIdentity(new GetCallerIdentityRequest());
        return;
      }
      var end = System.nanoTime() + (long) (Double.parseDouble(arguments[1]) * 1e9);
      while (System.nanoTime() < end) {
        try {
          client.getCallerIdentity(new GetCallerIdentityRequest());
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
