// One pinned request with OkHttp: `java … AppKt pintle.json https://api.example.com/`.

import java.io.File
import java.io.IOException
import kotlin.system.exitProcess
import okhttp3.OkHttpClient
import okhttp3.Request
import pintle.Pintle
import pintle.Refused
import pintle.pinned

fun get(bundle: String, url: String) {
    val builder = Pintle.builder(File(bundle))
    // For a CDN on this machine, in trials.
    if (System.getenv("PINTLE_DANGEROUS_HTTP") != null) builder.dangerousAllowHttpLoopback()
    builder.setup().use { pins ->
        val client = OkHttpClient.Builder().pinned(pins).build()
        client.newCall(Request.Builder().url(url).build()).execute().use { println("${it.code} ${it.body.string()}") }
    }
}

fun main(arguments: Array<String>) {
    if (arguments.size != 2) {
        System.err.println("usage: AppKt pintle.json URL")
        exitProcess(2)
    }
    try {
        get(arguments[0], arguments[1])
    } catch (error: IOException) {
        System.err.println(Refused.find(error)?.let { "refused: ${it.code}" } ?: "failed: ${error.message}")
        exitProcess(1)
    }
    // OkHttp's threads would keep the program for a minute.
    exitProcess(0)
}
