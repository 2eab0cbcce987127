import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.Map;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.sts.StsClient;

public class Orders implements RequestHandler<Map<String, Object>, Map<String, Object>> {
  private final StsClient sts = StsClient.builder().httpClient(UrlConnectionHttpClient.create()).build();

  @Override
  public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
    context.getLogger().log("an order came");
    return Map.of(
        "arn", sts.getCallerIdentity().arn(),
        "order", event.get("order"),
        "name", context.getFunctionName());
  }
}
