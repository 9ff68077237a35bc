/**
 * Hosts that send people back rather than here: payment pages and sign-in pages. As referrers they count as if there
 * were none. A host stands for whatever lies below it. A project adds its own (`ignoredReferrers`).
 */

export const PAYMENT_HOSTS = [
  // of the world
  'checkout.stripe.com buy.stripe.com billing.stripe.com invoice.stripe.com pay.stripe.com hooks.stripe.com',
  'paypal.com checkout.shopify.com adyen.com braintreegateway.com checkout.com worldpay.com authorize.net',
  'cybersource.com 2checkout.com squareup.com checkout.square.site pay.google.com pay.amazon.com payments.amazon.com',
  'buy.paddle.com checkout.paddle.com chargebee.com recurly.com cardinalcommerce.com arcot.com pay.gocardless.com',
  'gocardless.com paysafe.com paysafecard.com skrill.com neteller.com bluesnap.com fastspring.com rapyd.net nuvei.com',
  // pay later
  'pay.klarna.com payments.klarna.com login.klarna.com portal.afterpay.com afterpay.com clearpay.co.uk',
  'affirm.com sezzle.com zip.co scalapay.com getalma.eu',
  // Europe
  'mollie.com multisafepay.com buckaroo.nl ideal.nl sofort.com giropay.de computop.com saferpay.com datatrans.com',
  'ogone.com ingenico.com payline.com systempay.fr payzen.eu sips-services.com nexi.it nets.eu dibspayment.eu',
  'quickpay.net paytrail.com vipps.no mobilepay.dk bambora.com trustly.com przelewy24.pl payu.com tpay.com dotpay.pl',
  'worldline-solutions.com sagepay.com opayo.co.uk elavon.com eway.com.au windcave.com',
  'twint.ch postfinance.ch redsys.es bancontact.com barion.com comgate.cz gopay.com viva.com sumup.com',
  // Asia, Africa, the Americas
  'alipay.com tenpay.com unionpay.com razorpay.com ccavenue.com cashfree.com phonepe.com paytm.in payu.in midtrans.com',
  'xendit.co paymongo.com omise.co iyzipay.com paytr.com tosspayments.com inicis.com paypay.ne.jp paystack.com',
  'flutterwave.com payfast.co.za mercadopago.com mercadopago.com.br mercadopago.com.ar pagseguro.uol.com.br ebanx.com',
  'yookassa.ru robokassa.ru cloudpayments.ru qiwi.com liqpay.ua moneris.com',
] as const;

export const SIGN_IN_HOSTS = [
  'accounts.google.com accounts.youtube.com appleid.apple.com idmsa.apple.com account.apple.com',
  'login.microsoftonline.com login.live.com login.microsoft.com login.windows.net b2clogin.com ciamlogin.com',
  'login.yahoo.com login.salesforce.com signin.aws.amazon.com amazoncognito.com',
  'okta.com oktapreview.com auth0.com onelogin.com pingone.com pingidentity.com duosecurity.com workos.com',
  'accounts.dev stytch.com login.gov id.me franceconnect.gouv.fr digid.nl oauth.telegram.org',
  'oauth.vk.com id.vk.com passport.yandex.ru passport.yandex.com kauth.kakao.com accounts.kakao.com nid.naver.com',
  'access.line.me open.weixin.qq.com graph.qq.com',
] as const;
