import aws.sdk.kotlin.services.sts.StsClient
import aws.sdk.kotlin.services.sts.model.GetCallerIdentityRequest
import kotlin.system.exitProcess
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking

/** The SDK for Kotlin: `identity` calls STS once by the default chain, `loop SECONDS` once a second with one client. */
fun main(arguments: Array<String>) = runBlocking {
  try {
    StsClient.fromEnvironment().use { client ->
      if (arguments[0] == "identity") {
        client.getCallerIdentity(GetCallerIdentityRequest {})
        return@use
      }
      val end = System.nanoTime() + (arguments[1].toDouble() * 1e9).toLong()
      while (System.nanoTime() < end) {
        try {
          client.getCallerIdentity(GetCallerIdentityRequest {})
          println("ok")
        } catch (error: Exception) {
          println("error: ${error.message}")
        }
        delay(1000)
      }
    }
  } catch (error: Exception) {
    System.err.println(error.message)
    exitProcess(1)
  }
}
